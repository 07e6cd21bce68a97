package routing

import (
	"encoding/hex"
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/shared/internal/check"
)

func checkShards(report *check.Report, shards []ShardRef) {
	names := ShardNames()
	seen := map[string]bool{}
	for i, shard := range shards {
		path := root.At("shards", i)
		switch {
		case !slices.Contains(names, shard.Name):
			report.Add(path.Field("name"), "There is no shard %q", shard.Name)
		case seen[shard.Name]:
			report.Add(path.Field("name"), "The shard %s is named twice", shard.Name)
		}
		seen[shard.Name] = true
		if sum, err := hex.DecodeString(shard.Digest); err != nil || len(sum) != 32 || strings.ToLower(shard.Digest) != shard.Digest {
			report.Add(path.Field("digest"), "%q is not a SHA-256 in lower-case hexadecimal", shard.Digest)
		}
	}
}
