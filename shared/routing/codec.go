package routing

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/varnish-gateway/gateway/shared/contract"
)

// Encode writes the canonical bytes of a configuration: this build's Version, routes ordered by namespace and
// name, services and cache policies by ID, shards by name. Config itself is not changed.
func Encode(config Config) ([]byte, error) {
	config.Version = Version
	config.Routes = sorted(config.Routes, compareRoutes)
	config.Services = sorted(config.Services, compareServices)
	config.CachePolicies = sorted(config.CachePolicies, compareCachePolicies)
	config.Shards = sorted(config.Shards, compareShards)
	data, err := contract.Encode(config)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", File, err)
	}
	return data, nil
}

// Decode reads routing.json. Members that this build does not know are ignored. The whole file is refused
// with a *contract.SyntaxError or a *contract.MajorError; problems of single records are for Validate.
func Decode(data []byte) (Config, error) {
	var config Config
	if err := headCodec.Decode(data, &config, &config.Version); err != nil {
		return Config{}, err
	}
	return config, nil
}

// DecodeStrict is Decode, except that a member which this build does not know is an error. It is for writers
// that check their own output.
func DecodeStrict(data []byte) (Config, error) {
	var config Config
	if err := headCodec.DecodeStrict(data, &config, &config.Version); err != nil {
		return Config{}, err
	}
	return config, nil
}

// encodeShard writes the canonical bytes of a shard.
func encodeShard(shard Shard) ([]byte, error) {
	shard.Version = Version
	shard.Routes = sorted(shard.Routes, compareRoutes)
	shard.Services = sorted(shard.Services, compareServices)
	shard.CachePolicies = sorted(shard.CachePolicies, compareCachePolicies)
	data, err := contract.Encode(shard)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", ShardFile, err)
	}
	return data, nil
}

// DecodeShard reads the content of a shard, with the refusals of Decode.
func DecodeShard(data []byte) (Shard, error) {
	var shard Shard
	if err := shardCodec.Decode(data, &shard, &shard.Version); err != nil {
		return Shard{}, err
	}
	return shard, nil
}

func compareRoutes(a, b Route) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func compareServices(a, b Service) int { return cmp.Compare(a.ID, b.ID) }

func compareCachePolicies(a, b CachePolicy) int { return cmp.Compare(a.ID, b.ID) }

func compareShards(a, b ShardRef) int { return cmp.Compare(a.Name, b.Name) }

// sorted gives the records in order, and copies them only if they are not.
func sorted[T any](records []T, compare func(a, b T) int) []T {
	if slices.IsSortedFunc(records, compare) {
		return records
	}
	ordered := slices.Clone(records)
	slices.SortStableFunc(ordered, compare)
	return ordered
}
