package source

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// newest chooses between what the API shows and what is mounted, part by part: whichever has the higher
// sequence, and the API's of two equal ones. It compares what both show now, not what was chosen before, so that
// a ConfigMap which was made anew, and counts from one again, gets its turn when the mount shows it too.
func newest(api, mount Config) Config {
	chosen := Config{
		Routing: newer(api.Routing, mount.Routing, sequenceOf),
		Main:    newer(api.Main, mount.Main, vclSequenceOf),
	}
	chosen.Shards = matching(chosen.Routing, api.Shards, mount.Shards)
	return chosen
}

func newer(api, mount []byte, sequence func([]byte) int64) []byte {
	switch {
	case api == nil:
		return mount
	case mount == nil, bytes.Equal(api, mount), sequence(api) >= sequence(mount):
		return api
	default:
		return mount
	}
}

// sequenceOf reads the sequence of routing.json, which stands near its beginning, without the rest.
func sequenceOf(data []byte) int64 {
	decoder := json.NewDecoder(bytes.NewReader(data))
	if token, err := decoder.Token(); err != nil || token != json.Delim('{') {
		return contract.Sequence(data)
	}
	for decoder.More() {
		key, err := decoder.Token()
		if err != nil {
			break
		}
		if key == "sequence" {
			var sequence int64
			if decoder.Decode(&sequence) == nil {
				return sequence
			}
			break
		}
		var other json.RawMessage
		if decoder.Decode(&other) != nil {
			break
		}
	}
	return contract.Sequence(data)
}

// vclSequenceOf reads the sequence of main.vcl; of one that has no header of ours it is 0.
func vclSequenceOf(data []byte) int64 {
	header, _, err := mainvcl.Parse(data)
	if err != nil {
		return 0
	}
	return header.Sequence
}

// matching gives the shards that the head names, from whichever side has the bytes of the named digest. Of a
// shard that neither has, it gives what there is: to say what is wrong with it is for the reader.
func matching(head []byte, api, mount map[string][]byte) map[string][]byte {
	shards := map[string][]byte{}
	for _, ref := range shardRefs(head) {
		for _, side := range []map[string][]byte{mount, api} {
			data, found := side[ref.Name]
			if !found {
				continue
			}
			if _, have := shards[ref.Name]; !have || digestOf(data) == ref.Digest {
				shards[ref.Name] = data
			}
		}
	}
	return shards
}

// shardRefs are the shards that a head names; a head that names any is small.
func shardRefs(head []byte) []routing.ShardRef {
	if !bytes.Contains(head, []byte(`"shards"`)) {
		return nil
	}
	config, err := routing.Decode(head)
	if err != nil {
		return nil
	}
	return config.Shards
}

func digestOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// pairsChoice chooses between the certificates of the API and those that are mounted. They have no sequence:
// what came last wins, but a mount that shows what the API has shown before only lags behind.
type pairsChoice struct {
	current Pairs
	// shown are digests of what the API has shown, the latest last.
	shown []string
	// known says that the API shows certificates now, mounted that the mount was read.
	known, mounted bool
}

// maxShown bounds how far a mount may lag behind.
const maxShown = 64

// fromAPI takes what the API shows now; nil where there is no Secret.
func (c *pairsChoice) fromAPI(pairs Pairs) {
	c.known = pairs != nil
	if !c.known {
		return
	}
	c.shown = append(c.shown, pairs.digest())
	if len(c.shown) > maxShown {
		c.shown = c.shown[1:]
	}
	c.current = pairs
}

// fromMount takes what is mounted now. Where the API was first, the first look at the mount tells nothing: it may be
// what the API showed before this process began.
func (c *pairsChoice) fromMount(pairs Pairs) {
	first := !c.mounted
	c.mounted = true
	if !c.known {
		c.current = pairs
		return
	}
	digest := pairs.digest()
	isLatest := digest == c.shown[len(c.shown)-1]
	if isLatest || !first && !slices.Contains(c.shown, digest) {
		c.current = pairs
	}
}
