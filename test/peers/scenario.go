package peers

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/varnish-gateway/gateway/test/peers/report"
)

// subject is one of those that a scenario compares: a peer, and what it is to serve.
type subject struct {
	name string
	peer peer
	// routes is how many hosts have a route.
	routes int
	// anyHost says that routes have no host names, and so take every host.
	anyHost    bool
	tls, cache bool
	// policy says that a cache policy decides what is cached, or VCL that does the same.
	policy bool
}

// sample is one measurement of one subject.
type sample map[report.Metric]float64

// scenario is one comparison.
type scenario struct {
	name, what string
	kind       report.Kind
	subjects   []subject
	// rounds of the scenario; 0 for as many as the user wants.
	rounds int
	// slow says that the origin answers when it is told to only.
	slow bool
	// measure does it once. A scenario measures its subjects in turn, and not at the same time.
	measure func(ctx context.Context, b *bench, i instance) (sample, error)
}

// with gives peers one and the same site.
func with(routes int, tls, cache bool, peers ...peer) []subject {
	var subjects []subject
	for _, p := range peers {
		subjects = append(subjects, subject{name: p.name, peer: p, routes: routes, tls: tls, cache: cache})
	}
	return subjects
}

// byPolicy gives peers a site that is cached by a policy.
func byPolicy(peers ...peer) []subject {
	subjects := with(1, false, true, peers...)
	for i := range subjects {
		subjects[i].policy = true
	}
	return subjects
}

func plain(peers ...peer) []subject  { return with(1, false, false, peers...) }
func secure(peers ...peer) []subject { return with(1, true, false, peers...) }

// catalogue has every scenario, in the order of the tables.
func catalogue() []scenario {
	var all []scenario
	all = append(all, passes()...)
	all = append(all, secures()...)
	all = append(all, hits()...)
	all = append(all, manyRoutes()...)
	all = append(all, latencies()...)
	return append(all, memories()...)
}

func passes() []scenario {
	var all []scenario
	for _, body := range []struct{ size, path string }{{"31 B", "/"}, {"10 kB", "/bodies/10kB"}, {"1 MB", "/bodies/1MB"}} {
		for _, connections := range []int{16, 64, 256} {
			all = append(all, scenario{
				name:     fmt.Sprintf("pass-%s-c%d", strings.ReplaceAll(body.size, " ", ""), connections),
				what:     fmt.Sprintf("GET of %s over HTTP/1.1, not cached; %d connections that are kept.", body.size, connections),
				subjects: plain(gateway, varnish, nginx, haproxy, envoy),
				measure:  throughput{connections: connections, path: body.path}.measure,
			})
		}
	}
	return append(all, scenario{
		name:     "upload-100kB-c16",
		what:     "POST of 100 kB over HTTP/1.1; 16 connections that are kept.",
		subjects: plain(gateway, varnish, nginx, haproxy, envoy),
		measure:  throughput{connections: 16, path: "/upload", script: "upload.lua", argument: "100000"}.measure,
	})
}

func secures() []scenario {
	return []scenario{{
		name:     "tls-h1-c64",
		what:     "GET of 31 B over TLS and HTTP/1.1, not cached; 64 connections that are kept.",
		subjects: secure(gateway, nginx, haproxy, envoy),
		measure:  throughput{tls: true, connections: 64, path: "/"}.measure,
	}, {
		name: "tls-h1-resumed-c16",
		what: "GET of 31 B over TLS and HTTP/1.1, not cached; a new connection for each request, 16 at a time, whose " +
			"client resumes its session, as browsers do (wrk does).",
		subjects: secure(gateway, nginx, haproxy, envoy),
		measure:  throughput{tls: true, fresh: true, connections: 16, path: "/"}.measure,
	}, {
		name: "tls-h1-new",
		what: "GET of 31 B over TLS and HTTP/1.1, not cached; 200 new connections at a time, with a whole handshake and one " +
			"request on each (h2load does not resume sessions).",
		subjects: secure(gateway, nginx, haproxy, envoy),
		measure:  throughput{tls: true, fresh: true, connections: 200, streams: 1, http1: true, path: "/"}.measure,
	}, {
		name:     "tls-h2-c16m10",
		what:     "GET of 31 B over TLS and HTTP/2, not cached; 16 connections that are kept, 10 streams on each.",
		subjects: secure(gateway, nginx, haproxy, envoy),
		measure:  throughput{tls: true, connections: 16, streams: 10, path: "/"}.measure,
	}, {
		name: "tls-h2-new-m10",
		// The gateway lets 1,024 requests be at a backend at once.
		what: "GET of 31 B over TLS and HTTP/2, not cached; 100 new connections at a time, with a whole handshake and ten " +
			"requests at once on each.",
		subjects: secure(gateway, nginx, haproxy, envoy),
		measure:  throughput{tls: true, fresh: true, connections: 100, streams: 10, path: "/"}.measure,
	}}
}

func hits() []scenario {
	const vcl = " The gateway has four lines of user VCL for that."
	return []scenario{{
		name:     "hit-31B-c64",
		what:     "GET of 31 B over HTTP/1.1, from the cache; 64 connections that are kept." + vcl,
		subjects: with(1, false, true, gateway, varnish),
		measure:  throughput{hit: true, connections: 64, path: "/"}.measure,
	}, {
		name: "hit-policy-31B-c64",
		what: "GET of 31 B over HTTP/1.1, from the cache; 64 connections that are kept. The gateway has a cache policy, Varnish " +
			"VCL that does the same: parameters of the query that do not count, and their order; a cookie that makes a request " +
			"pass; Cache-Status.",
		subjects: byPolicy(gateway, varnish),
		measure: throughput{
			hit: true, connections: 64, path: "/page?utm_source=news&b=2&a=1", headers: []string{"Cookie: theme=dark; visits=7"},
		}.measure,
	}, {
		name:     "hit-100kB-c64",
		what:     "GET of 100 kB over HTTP/1.1, from the cache; 64 connections that are kept." + vcl,
		subjects: with(1, false, true, gateway, varnish),
		measure:  throughput{hit: true, connections: 64, path: "/bodies/100kB"}.measure,
	}, {
		name: "hit-tls-h1-c64",
		what: "GET of 31 B over TLS and HTTP/1.1, from the cache; 64 connections that are kept. HAProxy takes chaperone's " +
			"place before the unix socket of a varnishd with ghost.",
		subjects: with(1, true, true, gateway, offloader),
		measure:  throughput{hit: true, tls: true, connections: 64, path: "/"}.measure,
	}, {
		name:     "hit-tls-h2-c16m10",
		what:     "The same over HTTP/2; 16 connections that are kept, 10 streams on each.",
		subjects: with(1, true, true, gateway, offloader),
		measure:  throughput{hit: true, tls: true, connections: 16, streams: 10, path: "/"}.measure,
	}}
}

func manyRoutes() []scenario {
	var all []scenario
	for _, routes := range []int{10, 1000, 10_000} {
		peers := []peer{gateway, nginx, haproxy, envoy}
		if routes <= 10 {
			// Nobody writes more of them by hand, or waits for the C compiler.
			peers = append(peers, varnish)
		}
		subjects := with(routes, false, false, peers...)
		subjects = append(subjects, subject{name: oneRoute, peer: gateway, routes: 1, anyHost: true})
		all = append(all, scenario{
			name: fmt.Sprintf("routes-%d", routes),
			what: fmt.Sprintf("GET of 31 B over HTTP/1.1, not cached; 64 connections that are kept. Each of %d hosts has a "+
				"route, and is asked in turn. %q gets the same requests.", routes, oneRoute),
			subjects: subjects,
			measure:  throughput{connections: 64, path: "/", hosts: routes}.measure,
		})
	}
	return all
}

// oneRoute is the gateway with a single route that takes every host. It gets the same requests as
// those with many routes, so that the ratio is what the lookup among them costs.
const oneRoute = "gateway, 1 route for all hosts"

func latencies() []scenario {
	return []scenario{{
		name:     "latency-c64",
		what:     "Latency of a GET of 31 B over HTTP/1.1, not cached, at a fixed rate; up to 64 connections.",
		kind:     report.Latency,
		subjects: plain(gateway, varnish, nginx, haproxy, envoy),
		measure:  latency{connections: 64}.measure,
	}, {
		name: "latency-reload-c64",
		what: "The same, while a route is replaced each second: nginx and HAProxy are reloaded, Envoy reads its routes " +
			"again, Varnish loads its VCL again, the gateway sees a manifest change.",
		kind:     report.Latency,
		subjects: plain(gateway, varnish, nginx, haproxy, envoy),
		measure:  latency{connections: 64, reload: true}.measure,
	}}
}

func memories() []scenario {
	return []scenario{{
		name: "memory-connections", rounds: 1,
		what:     "Memory of many connections over HTTP/1.1 that have had one answer each, and are idle.",
		kind:     report.Memory,
		subjects: plain(gateway, varnish, nginx, haproxy, envoy),
		measure:  memory{hold: idleConnections}.measure,
	}, {
		name: "memory-tls", rounds: 1,
		what:     "Memory of many TLS connections (HTTP/1.1) that have had one answer each, and are idle.",
		kind:     report.Memory,
		subjects: secure(gateway, nginx, haproxy, envoy),
		measure:  memory{hold: idleTLSConnections}.measure,
	}, {
		name: "memory-tls-h2", rounds: 1,
		what:     "The same over HTTP/2.",
		kind:     report.Memory,
		subjects: secure(gateway, nginx, haproxy, envoy),
		measure:  memory{hold: idleHTTP2Connections}.measure,
	}, {
		name: "memory-slow", rounds: 1, slow: true,
		what: "Memory of many requests over HTTP/1.1 that wait for the origin's answer. The gateway has its defaults, and " +
			"refuses what is beyond its bounds.",
		kind:     report.Memory,
		subjects: plain(gateway, varnish, nginx, haproxy, envoy),
		measure:  memory{hold: slowRequests}.measure,
	}}
}

// entries are the scenarios as tables name them.
func entries() []report.Entry {
	var all []report.Entry
	for _, s := range catalogue() {
		all = append(all, report.Entry{Name: s.name, What: s.what, Kind: s.kind, Own: gateway.name})
	}
	return all
}

func count(n int) string { return strconv.Itoa(n) }
