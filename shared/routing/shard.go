package routing

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/shared/contract"
)

// ShardCount is the number of shards. It is fixed for contract 1.0: readers mount and may read exactly these.
const ShardCount = 32

const (
	// PlainLimit is the size in bytes up to which routing.json stays one plain key. A ConfigMap ends at 1 MiB
	// (1,048,576 bytes, all keys and names together). A quarter of that is left for main.vcl, which is in the
	// same ConfigMap with the user's VCL in it, and for metadata.
	PlainLimit = 768 << 10
	// ShardLimit is the size in bytes that a shard, alone in its ConfigMap, may have: 1 MiB without 32 KiB for
	// names, labels and managed fields.
	ShardLimit = 1<<20 - 32<<10
	// RouteLimit is the size in bytes that one route may have, together with the services and cache policies
	// that it names.
	RouteLimit = 256 << 10
	// TotalLimit is the size in bytes that all routes of a Gateway may have, each with the services that it names.
	// Within both limits there is a shard with room for every record, in whatever order they come: a record that
	// fits nowhere would mean that every shard holds more than ShardLimit-RouteLimit.
	TotalLimit = ShardCount * (ShardLimit - shardFrame - RouteLimit)
	// shardFrame is more than a shard has beside its records.
	shardFrame = 64
)

// ShardNames are the names of all shards, "00" to "31".
func ShardNames() []string {
	names := make([]string, ShardCount)
	for i := range names {
		names[i] = shardName(i)
	}
	return names
}

func shardName(number int) string { return fmt.Sprintf("%02d", number) }

// ShardOf is the name of the shard that holds a route (by its "namespace/name"), or a service or cache policy (by its ID),
// as long as it has room. It depends on nothing else, so that a change of one route changes one shard.
func ShardOf(key string) string {
	digest := sha256.Sum256([]byte(key))
	return shardName(int(digest[0]) % ShardCount)
}

// RecordSize is the size in bytes of a route, service or cache policy, as the limits count it.
func RecordSize(record any) (int, error) {
	length, err := contract.EncodedLength(record)
	// One more for the comma.
	return length + 1, err
}

// TooLargeError says that no shard has room for a record. It does not happen within RouteLimit and TotalLimit.
type TooLargeError struct {
	// Record is the "namespace/name" of a route, or the ID of a service or cache policy.
	Record string
	// Size of the record, and Limit of a shard, in bytes.
	Size, Limit int
}

func (e *TooLargeError) Error() string {
	return fmt.Sprintf("no shard has room for the %d bytes of %s, as each holds at most %d: too many routes for one Gateway", e.Size, e.Record, e.Limit)
}

// Split gives the configuration to write as routing.json, and the bytes of the shards beside it. If the whole fits
// limit bytes, it stays plain and there are no shards; else every record goes to its shard, or to the
// next one with room, and the head names the shards that are not empty. Write the shards before the head: readers
// switch when the head's digests are all there.
func Split(content Config, limit int) (head Config, shards map[string][]byte, err error) {
	content.Shards = nil
	content.Version = Version
	plain, err := contract.EncodesWithin(content, limit)
	if err != nil {
		return Config{}, nil, fmt.Errorf("encode %s: %w", File, err)
	}
	if plain {
		return content, nil, nil
	}
	head = content
	head.Routes, head.Services, head.CachePolicies = nil, nil, nil
	shards, err = encodeAll(distribute(content))
	if err != nil {
		return Config{}, nil, err
	}
	for _, data := range shards {
		if len(data) <= ShardLimit {
			continue
		}
		spread, err := spread(content)
		if err != nil {
			return Config{}, nil, err
		}
		if shards, err = encodeAll(spread); err != nil {
			return Config{}, nil, err
		}
		break
	}
	for name, data := range shards {
		head.Shards = append(head.Shards, ShardRef{Name: name, Digest: Digest(data)})
	}
	slices.SortFunc(head.Shards, compareShards)
	return head, shards, nil
}

func encodeAll(shards map[string]*Shard) (map[string][]byte, error) {
	encoded := make(map[string][]byte, len(shards))
	for name, shard := range shards {
		data, err := encodeShard(*shard)
		if err != nil {
			return nil, fmt.Errorf("shard %s: %w", name, err)
		}
		encoded[name] = data
	}
	return encoded, nil
}

// distribute puts every record into its own shard, whatever its size.
func distribute(content Config) map[string]*Shard {
	shards := map[string]*Shard{}
	at := func(key string) *Shard {
		name := ShardOf(key)
		if shards[name] == nil {
			shards[name] = &Shard{}
		}
		return shards[name]
	}
	for _, route := range content.Routes {
		shard := at(route.Key())
		shard.Routes = append(shard.Routes, route)
	}
	for _, service := range content.Services {
		shard := at(service.ID)
		shard.Services = append(shard.Services, service)
	}
	for _, policy := range content.CachePolicies {
		shard := at(policy.ID)
		shard.CachePolicies = append(shard.CachePolicies, policy)
	}
	return shards
}

// Digest of the bytes of a shard, as ShardRef has it.
func Digest(data []byte) string { return contract.Digest(data) }

// IncompleteError says which shards of a head are not there yet, or are those of another head. The reader
// keeps what it has until they come.
type IncompleteError struct {
	// Missing and Different are names of shards, in order.
	Missing, Different []string
}

func (e *IncompleteError) Error() string {
	var parts []string
	if len(e.Missing) > 0 {
		parts = append(parts, "missing "+strings.Join(e.Missing, ", "))
	}
	if len(e.Different) > 0 {
		parts = append(parts, "not as the digest says "+strings.Join(e.Different, ", "))
	}
	return "shards of " + File + " are incomplete: " + strings.Join(parts, "; ")
}

// Join gives the complete configuration of a head and the bytes of its shards by name. Shards that the head
// does not name are left out. It returns an *IncompleteError, or the refusal of a shard.
func Join(head Config, shards map[string][]byte) (Config, error) {
	if err := complete(head, shards); err != nil {
		return Config{}, err
	}
	whole := head
	whole.Shards = nil
	whole.Routes, whole.Services = slices.Clone(head.Routes), slices.Clone(head.Services)
	whole.CachePolicies = slices.Clone(head.CachePolicies)
	for _, ref := range head.Shards {
		shard, err := DecodeShard(shards[ref.Name])
		if err != nil {
			return Config{}, fmt.Errorf("shard %s: %w", ref.Name, err)
		}
		whole.Routes = append(whole.Routes, shard.Routes...)
		whole.Services = append(whole.Services, shard.Services...)
		whole.CachePolicies = append(whole.CachePolicies, shard.CachePolicies...)
	}
	slices.SortStableFunc(whole.Routes, compareRoutes)
	slices.SortStableFunc(whole.Services, compareServices)
	slices.SortStableFunc(whole.CachePolicies, compareCachePolicies)
	return whole, nil
}

func complete(head Config, shards map[string][]byte) error {
	var incomplete IncompleteError
	for _, ref := range head.Shards {
		data, ok := shards[ref.Name]
		switch {
		case !ok:
			incomplete.Missing = append(incomplete.Missing, ref.Name)
		case Digest(data) != ref.Digest:
			incomplete.Different = append(incomplete.Different, ref.Name)
		}
	}
	if len(incomplete.Missing)+len(incomplete.Different) > 0 {
		return &incomplete
	}
	return nil
}
