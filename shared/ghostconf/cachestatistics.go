package ghostconf

import (
	"encoding/json/v2"
	"fmt"
)

// CacheStatistics are the answer to GET /.varnish-ghost/cache, and to the admin API's call of the same name: what the cache
// has done since varnishd's child began.
type CacheStatistics struct {
	// Rules that have a cache policy, ordered by route and rule.
	Rules []RuleStatistics `json:"rules"`
}

// RuleStatistics are what the cache has done for one rule. They go on over reloads while the rule keeps its identity. Each
// request is in one of Hits, Stale, Collapsed, Misses, HitsForMiss and Passes.
type RuleStatistics struct {
	// Route is namespace and name of the HTTPRoute: "namespace/name".
	Route string `json:"route"`
	// Rule is the rule's name, or a digest of its matches where it has none.
	Rule string `json:"rule"`
	// Hits are requests that a fresh object answered.
	Hits uint64 `json:"hits"`
	// Stale are requests that a stale object answered, while a new one was fetched or where that failed.
	Stale uint64 `json:"stale"`
	// Collapsed are requests that waited for the answer to another one, and were answered by that.
	Collapsed uint64 `json:"collapsed"`
	// Misses are requests for which a backend was asked, as there was no object, or the one that there was had to be asked
	// about.
	Misses uint64 `json:"misses"`
	// HitsForMiss are requests for which a backend was asked without waiting, as the last answer had not been stored.
	HitsForMiss uint64 `json:"hitsForMiss"`
	// Passes are requests that were not looked up, as the policy or their method says.
	Passes uint64 `json:"passes"`
	// ServedBytes are the bytes of bodies that came out of the cache: those of Hits, Stale and Collapsed.
	ServedBytes uint64 `json:"servedBytes"`
	// Revalidated are answers of backends that what was stored still holds (304), those in the background included.
	Revalidated uint64 `json:"revalidated"`
	// TooLarge are answers that were not stored, or not kept, as they are larger than the policy's maxSize.
	TooLarge uint64 `json:"tooLarge"`
	// Stored are objects that were stored, those included that a 304 made fresh again.
	Stored uint64 `json:"stored"`
	// Objects are those that are in the cache now. What was invalidated is among them until it is looked up, or expires.
	Objects uint64 `json:"objects"`
}

// Requests are all that were handled by the policy.
func (s RuleStatistics) Requests() uint64 {
	return s.FromCache() + s.Misses + s.HitsForMiss + s.Passes
}

// FromCache are the requests for which no backend was asked while they waited.
func (s RuleStatistics) FromCache() uint64 {
	return s.Hits + s.Stale + s.Collapsed
}

// DecodeCacheStatistics reads ghost's answer.
func DecodeCacheStatistics(data []byte) (CacheStatistics, error) {
	var statistics CacheStatistics
	if err := json.Unmarshal(data, &statistics); err != nil {
		return CacheStatistics{}, fmt.Errorf("parse ghost's statistics of the cache: %w", err)
	}
	return statistics, nil
}
