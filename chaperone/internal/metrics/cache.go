package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// CacheStatistics asks ghost what the cache has done for each rule with a cache policy.
type CacheStatistics func(context.Context) (ghostconf.CacheStatistics, error)

// ruleMetric is one of the metrics that ghost counts by route and rule.
type ruleMetric struct {
	metric
	// result tells the values of a further label; empty where there is none.
	result string
	value  func(ghostconf.RuleStatistics) uint64
}

// ruleLabels come from the configuration, never from requests.
var ruleLabels = []string{"route", "rule"}

// resultLabels are those of cacheRequests.
var resultLabels = append(ruleLabels[:2:2], "result")

// cacheMetrics are what the cache does by route and rule. The first ones are one metric, with a value for each result.
var cacheMetrics = []ruleMetric{
	requests("hit", func(s ghostconf.RuleStatistics) uint64 { return s.Hits }),
	requests("stale", func(s ghostconf.RuleStatistics) uint64 { return s.Stale }),
	requests("collapsed", func(s ghostconf.RuleStatistics) uint64 { return s.Collapsed }),
	requests("miss", func(s ghostconf.RuleStatistics) uint64 { return s.Misses }),
	requests("hit_for_miss", func(s ghostconf.RuleStatistics) uint64 { return s.HitsForMiss }),
	requests("pass", func(s ghostconf.RuleStatistics) uint64 { return s.Passes }),
	byRule("varnish_gateway_cache_served_bytes_total", prometheus.CounterValue,
		"Bytes of bodies that came out of the cache (hit, stale, collapsed), so that no backend had to send them.",
		func(s ghostconf.RuleStatistics) uint64 { return s.ServedBytes }),
	byRule("varnish_gateway_cache_revalidations_total", prometheus.CounterValue,
		"Answers of backends that what was stored still holds (304).",
		func(s ghostconf.RuleStatistics) uint64 { return s.Revalidated }),
	byRule("varnish_gateway_cache_too_large_total", prometheus.CounterValue,
		"Answers that were not kept, as they are larger than the policy's maxSize.",
		func(s ghostconf.RuleStatistics) uint64 { return s.TooLarge }),
	byRule("varnish_gateway_cache_stored_total", prometheus.CounterValue,
		"Objects that were stored, those included that a 304 made fresh again.",
		func(s ghostconf.RuleStatistics) uint64 { return s.Stored }),
	byRule("varnish_gateway_cache_objects", prometheus.GaugeValue,
		"Objects in the cache. What was invalidated is among them until it is looked up, or expires.",
		func(s ghostconf.RuleStatistics) uint64 { return s.Objects }),
}

func requests(result string, value func(ghostconf.RuleStatistics) uint64) ruleMetric {
	return ruleMetric{metric{name: "varnish_gateway_cache_requests_total", kind: prometheus.CounterValue, labels: resultLabels,
		help: "Requests, each once, by result: hit, stale (served while a new object was fetched, or where that failed), " +
			"collapsed (answered together with another request), miss, hit_for_miss (a miss that waited for no other one), " +
			"pass (not looked up)."}, result, value}
}

func byRule(name string, kind prometheus.ValueType, help string, value func(ghostconf.RuleStatistics) uint64) ruleMetric {
	return ruleMetric{metric: metric{name: name, kind: kind, labels: ruleLabels, help: help}, value: value}
}

// cacheCollector asks ghost for them. Rules that were never asked for have none.
type cacheCollector struct {
	latest *recent[ghostconf.CacheStatistics]
}

func newCacheCollector(read CacheStatistics, log *zap.Logger) cacheCollector {
	return cacheCollector{newRecent(func(ctx context.Context) ghostconf.CacheStatistics {
		statistics, err := read(ctx)
		if err != nil {
			log.Warn("the cache's counters cannot be read", zap.Error(err))
		}
		return statistics
	})}
}

// Describe implements prometheus.Collector.
func (c cacheCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range cacheMetrics {
		descs <- m.desc()
	}
}

// Collect implements prometheus.Collector.
func (c cacheCollector) Collect(values chan<- prometheus.Metric) {
	for _, rule := range c.latest.get().Rules {
		if rule.Requests()+rule.Stored+rule.Objects == 0 {
			continue
		}
		for _, m := range cacheMetrics {
			labels := []string{rule.Route, rule.Rule}
			if m.result != "" {
				labels = append(labels, m.result)
			}
			values <- prometheus.MustNewConstMetric(m.desc(), m.kind, float64(m.value(rule)), labels...)
		}
	}
}
