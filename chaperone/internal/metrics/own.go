package metrics

import (
	"runtime"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/chaperone/internal/tlsterm"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// metric describes one of chaperone's own metrics.
type metric struct {
	name   string
	kind   prometheus.ValueType
	labels []string
	help   string
	// read gives the values at a scrape; nil for what is counted as it happens.
	read func(snapshot, emit)
}

// snapshot is what the metrics of one scrape are read from.
type snapshot struct {
	status      adminapi.Status
	connections proxy.Stats
	tls         tlsterm.Stats
}

// emit takes one value of a metric, with the values of its labels.
type emit func(value float64, labels ...string)

// histogram is the kind of a metric that is one; client_golang has no such ValueType.
const histogram prometheus.ValueType = -1

// Metrics that are counted as things happen.
var (
	reloads = metric{name: "chaperone_reloads_total", kind: prometheus.CounterValue, labels: []string{"outcome"},
		help: "Reloads of ghost, by outcome: accepted, refused (the last good configuration stays), unreachable."}
	reloadDuration = metric{name: "chaperone_reload_duration_seconds", kind: histogram,
		help: "How long ghost took to answer a reload."}
	vclLoads = metric{name: "chaperone_vcl_loads_total", kind: prometheus.CounterValue, labels: []string{"result"},
		help: "Attempts to load main.vcl, by result: ok, failed (the last good VCL stays)."}
)

// openFilesLimit does not change while chaperone runs.
var openFilesLimit = metric{name: "chaperone_open_files_limit", kind: prometheus.GaugeValue,
	help: "Files that chaperone and varnishd may each have open: the hard limit, to which the soft one is raised."}

// tlsConnectionsLimit does not change either.
var tlsConnectionsLimit = metric{name: "chaperone_tls_connections_limit", kind: prometheus.GaugeValue,
	help: "TLS connections that there may be: the flag's number, or what open files and memory allow."}

// varnishdConfined does not change either.
var varnishdConfined = metric{name: "chaperone_varnishd_confined", kind: prometheus.GaugeValue,
	help: "1 where varnishd, and so user VCL, cannot read private keys and tokens, 0 where the kernel has no Landlock."}

// sourceAge is read by a collector of its own, since sources come and go.
var sourceAge = metric{name: "chaperone_source_age_seconds", kind: prometheus.GaugeValue, labels: []string{"source"},
	help: "How long ago the API server has last said something of an object or namespace that is watched. It does so every minute, though nothing changes."}

// sourceFailing is read with sourceAge.
var sourceFailing = metric{name: "chaperone_source_failing_seconds", kind: prometheus.GaugeValue, labels: []string{"source"},
	help: "For how long the API server has refused, or not answered, what this pod asks of an object or namespace; 0 where it answers."}

// own lists all of chaperone's own metrics.
var own = []metric{
	{"chaperone_build_info", prometheus.GaugeValue, []string{"version", "varnishd", "goversion"},
		"Always 1; the labels say which versions run.",
		func(s snapshot, to emit) {
			to(1, s.status.Versions.Chaperone, s.status.Versions.Varnishd, runtime.Version())
		}},
	openFilesLimit,
	tlsConnectionsLimit,
	sourceAge,
	sourceFailing,
	varnishdConfined,
	gauge("chaperone_ready", "1 where this pod is ready, else 0.",
		func(s adminapi.Status) float64 { return truth(s.Ready) }),
	gauge("chaperone_routing_sequence", "Sequence of the routing.json that ghost runs; 0 where it runs none.",
		func(s adminapi.Status) float64 { return float64(s.Routing.Sequence) }),
	gauge("chaperone_ghost_sequence", "Sequence of the ghost.json that ghost runs; 0 where it runs none.",
		func(s adminapi.Status) float64 { return float64(s.Routing.GhostSequence) }),
	gauge("chaperone_routing_failed", "1 where newer routing is not in effect because of an error, else 0.",
		func(s adminapi.Status) float64 { return truth(s.Routing.Error != "") }),
	gauge("chaperone_routing_diagnostics", "Records of the routing configuration that are inert.",
		func(s adminapi.Status) float64 { return float64(len(s.Routing.Diagnostics)) }),
	gauge("chaperone_routes", "Routes that ghost runs.",
		func(s adminapi.Status) float64 { return float64(s.Routing.Routes) }),
	gauge("chaperone_services", "Services that ghost runs.",
		func(s adminapi.Status) float64 { return float64(s.Routing.Services) }),
	gauge("chaperone_endpoints", "Endpoints of all services that ghost runs.",
		func(s adminapi.Status) float64 { return float64(s.Routing.Endpoints) }),
	reloads,
	reloadDuration,
	gauge("chaperone_vcl_sequence", "Sequence of the main.vcl that varnishd runs; 0 where there is none, or only a part of one.",
		func(s adminapi.Status) float64 { return float64(s.VCL.Sequence) }),
	{"chaperone_vcl_fallback", prometheus.GaugeValue, []string{"fallback"},
		"1 for what varnishd runs in the place of the newest main.vcl: lastGood, partial, open (routes without users' VCL), closed (503 for every request).",
		func(s snapshot, to emit) {
			for _, fallback := range adminapi.Fallbacks {
				to(truth(s.status.VCL.Fallback == fallback), string(fallback))
			}
		}},
	gauge("chaperone_vcl_failed", "1 where a newer main.vcl is not in effect because of an error, else 0.",
		func(s adminapi.Status) float64 { return truth(s.VCL.Error != "") }),
	vclLoads,
	gauge("chaperone_varnishd_running", "1 where varnishd's child serves, else 0.",
		func(s adminapi.Status) float64 { return truth(s.Varnishd.State == adminapi.VarnishdRunning) }),
	counter("chaperone_varnishd_restarts_total", "Times that varnishd ended unasked and was started again.",
		func(s adminapi.Status) float64 { return float64(s.Varnishd.Restarts) }),
	counter("chaperone_varnishd_child_restarts_total", "Times that varnishd started its child again.",
		func(s adminapi.Status) float64 { return float64(s.Varnishd.ChildRestarts) }),
	tlsMetric("chaperone_tls_connections", prometheus.GaugeValue, "TLS connections that are open, those in a handshake included.",
		func(s snapshot) float64 { return float64(s.connections.Open) }),
	tlsMetric("chaperone_tls_connections_total", prometheus.CounterValue, "TLS connections accepted.",
		func(s snapshot) float64 { return float64(s.connections.Connections) }),
	{"chaperone_tls_connections_refused_total", prometheus.CounterValue, []string{"bound"},
		"TLS connections closed at once because there were as many as there may be, by bound: " +
			strings.Join(proxy.BoundNames[:], ", ") + ".",
		func(s snapshot, to emit) {
			for bound, name := range proxy.BoundNames {
				to(float64(s.connections.Refused[bound]), name)
			}
		}},
	tlsMetric("chaperone_tls_handshakes_pending", prometheus.GaugeValue, "TLS handshakes that are under way.",
		func(s snapshot) float64 { return float64(s.connections.Pending) }),
	{"chaperone_tls_handshakes_total", prometheus.CounterValue, []string{"result"},
		"TLS handshakes that have ended, by result: " + results() + ".",
		func(s snapshot, to emit) {
			for _, result := range tlsterm.Results {
				to(float64(s.connections.Handshakes[result]), string(result))
			}
		}},
	tlsMetric("chaperone_tls_resumptions_total", prometheus.CounterValue, "TLS handshakes that resumed a session.",
		func(s snapshot) float64 { return float64(s.tls.Resumed) }),
	tlsMetric("chaperone_tls_unreachable_total", prometheus.CounterValue, "TLS connections given up because varnishd could not be reached.",
		func(s snapshot) float64 { return float64(s.connections.Unreachable) }),
	{"chaperone_certificate_expiry_timestamp_seconds", prometheus.GaugeValue, []string{"certificate"},
		"When a certificate that is presented expires, in seconds since 1970.",
		func(s snapshot, to emit) {
			for name, expiry := range s.tls.Expiry {
				to(float64(expiry.Unix()), name)
			}
		}},
	gauge("chaperone_certificate_problems", "Certificates that could not be used as they stand.",
		func(s adminapi.Status) float64 { return float64(len(s.Certificates.Problems)) }),
	varnishstatUp,
	varnishstatFailures,
}

func gauge(name, help string, read func(adminapi.Status) float64) metric {
	return metric{name, prometheus.GaugeValue, nil, help,
		func(s snapshot, to emit) { to(read(s.status)) }}
}

func counter(name, help string, read func(adminapi.Status) float64) metric {
	m := gauge(name, help, read)
	m.kind = prometheus.CounterValue
	return m
}

func tlsMetric(name string, kind prometheus.ValueType, help string, read func(snapshot) float64) metric {
	return metric{name, kind, nil, help,
		func(s snapshot, to emit) { to(read(s)) }}
}

func truth(condition bool) float64 {
	if condition {
		return 1
	}
	return 0
}

func results() string {
	names := make([]string, len(tlsterm.Results))
	for i, result := range tlsterm.Results {
		names[i] = string(result)
	}
	return strings.Join(names, ", ")
}

func (m metric) desc() *prometheus.Desc {
	return prometheus.NewDesc(m.name, m.help, m.labels, nil)
}

// sourceCollector reads sourceAge and sourceFailing.
type sourceCollector struct {
	ages, failing func() map[string]time.Duration
}

// Describe implements prometheus.Collector.
func (c sourceCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- sourceAge.desc()
	descs <- sourceFailing.desc()
}

// Collect implements prometheus.Collector.
func (c sourceCollector) Collect(values chan<- prometheus.Metric) {
	for m, read := range map[*metric]func() map[string]time.Duration{&sourceAge: c.ages, &sourceFailing: c.failing} {
		for source, seconds := range read() {
			values <- prometheus.MustNewConstMetric(m.desc(), m.kind, seconds.Seconds(), source)
		}
	}
}

// ownCollector reads the metrics that are not counted here.
type ownCollector struct{ sources Sources }

// Describe implements prometheus.Collector.
func (c ownCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, m := range own {
		if m.read != nil {
			descs <- m.desc()
		}
	}
}

// Collect implements prometheus.Collector.
func (c ownCollector) Collect(values chan<- prometheus.Metric) {
	s := snapshot{c.sources.Status(), c.sources.Connections(), c.sources.TLS()}
	for _, m := range own {
		if m.read == nil {
			continue
		}
		desc := m.desc()
		m.read(s, func(value float64, labels ...string) {
			values <- prometheus.MustNewConstMetric(desc, m.kind, value, labels...)
		})
	}
}
