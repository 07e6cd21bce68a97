package local

import (
	"context"
	"net/http"

	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// CacheStatistics are what the cache of one gateway has done.
type CacheStatistics struct {
	// Gateway is its "namespace/name".
	Gateway string
	// Rules that have a cache policy, ordered by route and rule.
	Rules []ghostconf.RuleStatistics
	// Err says why it could not be asked.
	Err error
}

// AskCacheStatistics asks every gateway that runs in a state directory.
func AskCacheStatistics(ctx context.Context, stateDir string) ([]CacheStatistics, error) {
	all, err := allRunning(stateDir)
	if err != nil {
		return nil, err
	}
	var asked []CacheStatistics
	for _, r := range all {
		answer, err := r.call(ctx, http.MethodGet, adminapi.CacheStatisticsPath, nil)
		var statistics ghostconf.CacheStatistics
		if err == nil {
			statistics, err = ghostconf.DecodeCacheStatistics(answer)
		}
		asked = append(asked, CacheStatistics{Gateway: r.gateway, Rules: statistics.Rules, Err: err})
	}
	return asked, nil
}
