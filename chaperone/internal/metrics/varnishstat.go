package metrics

import (
	"context"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishstat"
)

// Metrics of the asking itself.
var (
	varnishstatUp = metric{name: "chaperone_varnishstat_up", kind: prometheus.GaugeValue,
		help: "1 where varnishd's counters could be read for this scrape, else 0; then there are none of them."}
	varnishstatFailures = metric{name: "chaperone_varnishstat_failures_total", kind: prometheus.CounterValue,
		help: "Times that varnishd's counters could not be read."}
)

// varnishCollector turns varnishd's counters into metrics. What counters there are changes while varnishd
// runs, so it describes none (client_golang calls that an unchecked collector).
type varnishCollector struct{ latest *recent[varnishSamples] }

// varnishSamples are what varnishstat has told.
type varnishSamples struct {
	samples  []sample
	up       bool
	failures uint64
}

func newVarnishCollector(read varnishstat.Reader, log *zap.Logger) varnishCollector {
	var failures uint64
	return varnishCollector{newRecent(func(ctx context.Context) varnishSamples {
		counters, err := read(ctx)
		if err != nil {
			failures++
			log.Warn("varnishd's counters cannot be read", zap.Error(err))
		}
		return varnishSamples{samplesOf(counters), err == nil, failures}
	})}
}

// Describe implements prometheus.Collector.
func (c varnishCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c varnishCollector) Collect(values chan<- prometheus.Metric) {
	latest := c.latest.get()
	values <- prometheus.MustNewConstMetric(varnishstatUp.desc(), varnishstatUp.kind, truth(latest.up))
	values <- prometheus.MustNewConstMetric(varnishstatFailures.desc(), varnishstatFailures.kind, float64(latest.failures))
	for _, s := range latest.samples {
		var names, idents []string
		if s.ident != "" {
			names, idents = []string{"ident"}, []string{s.ident}
		}
		values <- prometheus.MustNewConstMetric(prometheus.NewDesc(s.name, s.help, names, nil), s.kind, s.value, idents...)
	}
}
