package metrics

import (
	"context"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishstat"
)

// How varnishstat is asked.
const (
	varnishstatTimeout = 3 * time.Second
	// varnishstatMaxAge lets several Prometheus servers scrape without running it for each.
	varnishstatMaxAge = time.Second
)

// Metrics of the asking itself.
var (
	varnishstatUp = metric{name: "chaperone_varnishstat_up", kind: prometheus.GaugeValue,
		help: "1 where varnishd's counters could be read for this scrape, else 0; then there are no varnish_ metrics."}
	varnishstatFailures = metric{name: "chaperone_varnishstat_failures_total", kind: prometheus.CounterValue,
		help: "Times that varnishd's counters could not be read."}
)

// varnishCollector turns varnishd's counters into metrics. What counters there are changes while varnishd
// runs, so it describes none (client_golang calls that an unchecked collector).
type varnishCollector struct {
	read varnishstat.Reader
	log  *zap.Logger
	now  func() time.Time

	mu       sync.Mutex
	samples  []sample
	up       bool
	failures uint64
	asked    time.Time
}

func newVarnishCollector(read varnishstat.Reader, log *zap.Logger) *varnishCollector {
	return &varnishCollector{read: read, log: log, now: time.Now}
}

// Describe implements prometheus.Collector.
func (c *varnishCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *varnishCollector) Collect(values chan<- prometheus.Metric) {
	samples, up, failures := c.latest()
	values <- prometheus.MustNewConstMetric(varnishstatUp.desc(), varnishstatUp.kind, truth(up))
	values <- prometheus.MustNewConstMetric(varnishstatFailures.desc(), varnishstatFailures.kind, float64(failures))
	for _, s := range samples {
		var names, idents []string
		if s.ident != "" {
			names, idents = []string{"ident"}, []string{s.ident}
		}
		values <- prometheus.MustNewConstMetric(prometheus.NewDesc(s.name, s.help, names, nil), s.kind, s.value, idents...)
	}
}

// latest asks varnishstat, unless that was done a moment ago. Scrapes that come meanwhile wait and share
// the answer.
func (c *varnishCollector) latest() (samples []sample, up bool, failures uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.asked.IsZero() || c.now().Sub(c.asked) >= varnishstatMaxAge {
		c.ask()
		c.asked = c.now()
	}
	return c.samples, c.up, c.failures
}

func (c *varnishCollector) ask() {
	ctx, cancel := context.WithTimeout(context.Background(), varnishstatTimeout)
	defer cancel()
	counters, err := c.read(ctx)
	c.samples, c.up = samplesOf(counters), err == nil
	if err != nil {
		c.failures++
		c.log.Warn("varnishd's counters cannot be read", zap.Error(err))
	}
}
