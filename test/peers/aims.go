package peers

import "github.com/varnish-gateway/gateway/test/peers/report"

// aims are the ratios that are to be reached, with those that were measured before they were set.
func aims() []report.Aim {
	return []report.Aim{
		faster("pass, 31 B, 64 connections", "pass-31B-c64", envoy.name, "0.50", 1.3),
		faster("pass, 31 B, 64 connections", "pass-31B-c64", varnish.name, "1.05", 2.2),
		faster("pass, 31 B, 16 connections", "pass-31B-c16", envoy.name, "0.73", 1.3),
		faster("pass, 10 kB, 64 connections", "pass-10kB-c64", envoy.name, "0.57", 1.2),
		faster("pass, 1 MB, 16 connections", "pass-1MB-c16", envoy.name, "0.91", 1),
		faster("pass, 1 MB, 16 connections", "pass-1MB-c16", varnish.name, "0.99", 1),
		faster("TLS, HTTP/1.1, kept connections", "tls-h1-c64", envoy.name, "0.55", 1),
		faster("TLS, HTTP/2, 16 connections of 10 streams", "tls-h2-c16m10", envoy.name, "0.32 to 0.42", 1),
		faster("TLS, a resumed connection for each request", "tls-h1-resumed-c16", envoy.name, "0.70", 1),
		faster("TLS, a new connection for each request", "tls-h1-new", envoy.name, "not measured", 1),
		faster("hit over TLS", "hit-tls-h1-c64", offloader.name, "0.77", 1),
		faster("hit, 31 B, four lines of user VCL", "hit-31B-c64", varnish.name, "0.92", 0.97),
		faster("hit, 31 B, by a cache policy", "hit-policy-31B-c64", varnish.name, "not measured", 0.95),
		faster("10,000 routes against 1 for all hosts", "routes-10000", oneRoute, "0.98", 0.97),
		less("p99 below saturation", "latency-c64", report.P99, envoy.name, "about 1.2", 1),
		{
			What: "p99 during reloads", At: "latency-reload-c64", Metric: report.P99, Of: gateway.name,
			By: gateway.name, ByAt: "latency-c64", Before: "not measured", Want: 1.5, AtMost: true,
		},
		less("memory of an idle TLS connection", "memory-tls", report.BytesEach, envoy.name, "1.68", 1),
	}
}

// faster wants that the gateway answers at least so many times as many requests as another.
func faster(what, at, by, before string, want float64) report.Aim {
	return report.Aim{
		What: what, At: at, Metric: report.RequestsPerSecond, Of: gateway.name, By: by, Before: before, Want: want,
	}
}

// less wants that the gateway takes at most so many times as much as another.
func less(what, at string, metric report.Metric, by, before string, want float64) report.Aim {
	return report.Aim{
		What: what, At: at, Metric: metric, Of: gateway.name, By: by, Before: before, Want: want, AtMost: true,
	}
}
