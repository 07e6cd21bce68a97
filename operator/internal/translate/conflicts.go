package translate

import (
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// findConflicts marks the listeners that are not distinct. No winner is picked: the Gateway API refuses
// all of them. Listeners of a protocol that is not supported take no part.
func findConflicts(listeners []*listener) {
	for i, l := range listeners {
		if l.protocol == "" {
			continue
		}
		var protocols, hostnames []string
		for j, other := range listeners {
			switch {
			case i == j || other.protocol == "" || other.spec.Port != l.spec.Port:
			case other.protocol != l.protocol:
				protocols = append(protocols, other.name())
			case other.hostname == l.hostname:
				hostnames = append(hostnames, other.name())
			}
		}
		if len(protocols) > 0 {
			l.conflicts.add(string(gatewayv1.ListenerReasonProtocolConflict), "protocol",
				"another protocol on port %d is asked for by: %s", l.spec.Port, listed(protocols))
		}
		if len(hostnames) > 0 {
			l.conflicts.add(string(gatewayv1.ListenerReasonHostnameConflict), "hostname",
				"the same hostname on port %d is asked for by: %s", l.spec.Port, listed(hostnames))
		}
	}
}

// findOverlaps notes HTTPS listeners on the same port that some host would fit both of, so that a client
// which reuses connections may meet the other's TLS configuration.
func findOverlaps(listeners []*listener) {
	for i, l := range listeners {
		if l.protocol != routing.ProtocolHTTPS {
			continue
		}
		for j, other := range listeners {
			if i != j && other.protocol == routing.ProtocolHTTPS && other.spec.Port == l.spec.Port &&
				hostnamesIntersect(l.hostname, other.hostname) {
				l.overlaps = append(l.overlaps, other.name())
			}
		}
	}
}
