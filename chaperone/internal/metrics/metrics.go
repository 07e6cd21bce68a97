// Package metrics shows what this pod does and holds to Prometheus: chaperone's own metrics, what the cache does by route
// and rule, and every counter of varnishd and its VMODs as varnishstat tells them.
//
// docs/reference/metrics.md lists all but varnishd's; it is generated from the tables in this package.
package metrics

import (
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/chaperone/internal/reload"
	"github.com/varnish-gateway/gateway/chaperone/internal/tlsterm"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishstat"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"go.uber.org/zap"
)

// Sources are where metrics that are not counted here come from. They are asked at each scrape.
type Sources struct {
	// Status is what this pod runs.
	Status func() adminapi.Status
	// Connections is what connections of clients do, TLS what its termination does.
	Connections func() proxy.Stats
	TLS         func() tlsterm.Stats
	// Varnishstat gives the counters of varnishd.
	Varnishstat varnishstat.Reader
	// Cache tells what the cache has done.
	Cache CacheStatistics
	// Ages are how long ago each source was heard of last.
	Ages func() map[string]time.Duration
	// Failing is for how long requests of each source have failed.
	Failing func() map[string]time.Duration
	// Confined says that varnishd cannot read keys and tokens.
	Confined bool
	// OpenFiles is the limit of open files that chaperone and varnishd have.
	OpenFiles uint64
	// TLSConnections is how many TLS connections there may be.
	TLSConnections int
	// Log tells what could not be read.
	Log *zap.Logger
}

// Metrics counts events, and gathers the rest from its sources. It is safe for concurrent use.
type Metrics struct {
	registry       *prometheus.Registry
	reloads        *prometheus.CounterVec
	reloadDuration prometheus.Histogram
	vclLoads       *prometheus.CounterVec
}

// reloadBuckets are in seconds: a reload with ten routes takes under a millisecond, one with ten thousand
// some tens of them.
var reloadBuckets = []float64{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10}

// New registers everything in a registry of its own.
func New(sources Sources) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		reloads: prometheus.NewCounterVec(
			prometheus.CounterOpts{Name: reloads.name, Help: reloads.help}, reloads.labels),
		reloadDuration: prometheus.NewHistogram(
			prometheus.HistogramOpts{Name: reloadDuration.name, Help: reloadDuration.help, Buckets: reloadBuckets}),
		vclLoads: prometheus.NewCounterVec(
			prometheus.CounterOpts{Name: vclLoads.name, Help: vclLoads.help}, vclLoads.labels),
	}
	for _, outcome := range reload.Outcomes {
		m.reloads.WithLabelValues(string(outcome))
	}
	for _, ok := range []bool{true, false} {
		m.vclLoads.WithLabelValues(vclResult(ok))
	}
	openFiles := prometheus.NewGauge(prometheus.GaugeOpts{Name: openFilesLimit.name, Help: openFilesLimit.help})
	openFiles.Set(float64(sources.OpenFiles))
	connections := prometheus.NewGauge(prometheus.GaugeOpts{Name: tlsConnectionsLimit.name, Help: tlsConnectionsLimit.help})
	connections.Set(float64(sources.TLSConnections))
	confined := prometheus.NewGauge(prometheus.GaugeOpts{Name: varnishdConfined.name, Help: varnishdConfined.help})
	confined.Set(truth(sources.Confined))
	m.registry.MustRegister(m.reloads, m.reloadDuration, m.vclLoads, openFiles, connections, confined,
		ownCollector{sources: sources}, sourceCollector{sources.Ages, sources.Failing},
		newVarnishCollector(sources.Varnishstat, sources.Log), newCacheCollector(sources.Cache, sources.Log),
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Reloaded counts a reload of ghost and how long it took.
func (m *Metrics) Reloaded(outcome reload.Outcome, took time.Duration) {
	m.reloads.WithLabelValues(string(outcome)).Inc()
	m.reloadDuration.Observe(took.Seconds())
}

// VCLLoaded counts an attempt to load VCL.
func (m *Metrics) VCLLoaded(ok bool) {
	m.vclLoads.WithLabelValues(vclResult(ok)).Inc()
}

func vclResult(ok bool) string {
	if ok {
		return "ok"
	}
	return "failed"
}

// Handler answers scrapes. A metric that cannot be gathered leaves the others in place.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}
