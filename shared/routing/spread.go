package routing

import (
	"slices"
	"strconv"
)

// record is a route, a service or a cache policy that is to be put into a shard.
type record struct {
	key  string
	size int
	add  func(*Shard)
}

// spread puts every record into its own shard where that has room, and what is left then into the next one that has.
// So what does not fit its own shard moves nothing that does.
func spread(content Config) (map[string]*Shard, error) {
	records, err := recordsOf(content)
	if err != nil {
		return nil, err
	}
	var shards [ShardCount]Shard
	var sizes [ShardCount]int
	put := func(r record, number int) bool {
		if sizes[number]+r.size > ShardLimit-shardFrame {
			return false
		}
		sizes[number] += r.size
		r.add(&shards[number])
		return true
	}
	var left []record
	for _, r := range records {
		if !put(r, shardNumber(r.key)) {
			left = append(left, r)
		}
	}
	for _, r := range left {
		number, next := shardNumber(r.key), 1
		for next < ShardCount && !put(r, (number+next)%ShardCount) {
			next++
		}
		if next == ShardCount {
			return nil, &TooLargeError{Record: r.key, Size: r.size, Limit: ShardLimit}
		}
	}
	filled := map[string]*Shard{}
	for i := range shards {
		if sizes[i] > 0 {
			slices.SortStableFunc(shards[i].Routes, compareRoutes)
			slices.SortStableFunc(shards[i].Services, compareServices)
			slices.SortStableFunc(shards[i].CachePolicies, compareCachePolicies)
			filled[shardName(i)] = &shards[i]
		}
	}
	return filled, nil
}

func recordsOf(content Config) ([]record, error) {
	records := make([]record, 0, len(content.Routes)+len(content.Services)+len(content.CachePolicies))
	var failed error
	add := func(key string, content any, add func(*Shard)) {
		size, err := RecordSize(content)
		if err != nil && failed == nil {
			failed = err
		}
		records = append(records, record{key, size, add})
	}
	for _, route := range content.Routes {
		add(route.Key(), route, func(s *Shard) { s.Routes = append(s.Routes, route) })
	}
	for _, service := range content.Services {
		add(service.ID, service, func(s *Shard) { s.Services = append(s.Services, service) })
	}
	for _, policy := range content.CachePolicies {
		add(policy.ID, policy, func(s *Shard) { s.CachePolicies = append(s.CachePolicies, policy) })
	}
	return records, failed
}

func shardNumber(key string) int {
	// The names of shards are their numbers.
	number, _ := strconv.Atoi(ShardOf(key))
	return number
}
