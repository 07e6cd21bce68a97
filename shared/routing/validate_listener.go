package routing

import "github.com/varnish-gateway/gateway/shared/internal/check"

// ValidateListeners gives the problems of listeners in what every reader uses of them. Features are those of
// the reader.
func ValidateListeners(listeners []Listener, features Features) []Diagnostic {
	type claim struct{ socket, hostname string }
	var report check.Report
	names, claims := map[string]bool{}, map[claim]bool{}
	for i, listener := range listeners {
		path := root.At("listeners", i)
		switch {
		case listener.Name == "":
			report.Add(path.Field("name"), "The listener's name is missing")
		case names[listener.Name]:
			report.Add(path.Field("name"), "The name %q is taken by an earlier listener", listener.Name)
		}
		names[listener.Name] = true
		checkSocket(&report, path, listener)
		host := claim{listener.Socket, listener.Hostname}
		switch {
		case listener.Hostname != "" && !ValidHostnamePattern(listener.Hostname):
			report.Add(path.Field("hostname"), "%q is not a hostname in lower case, nor a wildcard", listener.Hostname)
		case claims[host]:
			report.Add(path.Field("hostname"), "An earlier listener has the same socket and hostname")
		}
		claims[host] = true
		checkNeeds(&report, path, listener.Needs, features)
	}
	return report.Diagnostics
}

func checkSocket(report *check.Report, path *check.Path, listener Listener) {
	if listener.Socket == "" {
		report.Add(path.Field("socket"), "The listener's socket is missing")
	}
	if !validPort(listener.Port) {
		report.Add(path.Field("port"), "%d is not a port", listener.Port)
	}
	if listener.Protocol != ProtocolHTTP && listener.Protocol != ProtocolHTTPS {
		report.Add(path.Field("protocol"), "The protocol %q is not known", listener.Protocol)
	}
}
