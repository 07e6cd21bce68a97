package translate

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// hostnamesIntersect tells whether some host fits both. A hostname is exact, "*.suffix" for any number
// of further labels, or empty for every host.
func hostnamesIntersect(a, b string) bool {
	switch {
	case a == "" || b == "" || a == b:
		return true
	case isWildcard(a) && isWildcard(b):
		return strings.HasSuffix(a, b[1:]) || strings.HasSuffix(b, a[1:])
	case isWildcard(a):
		return strings.HasSuffix(b, a[1:]) && len(b) > len(a)-1
	case isWildcard(b):
		return strings.HasSuffix(a, b[1:]) && len(a) > len(b)-1
	default:
		return false
	}
}

func isWildcard(hostname string) bool { return strings.HasPrefix(hostname, "*.") }

// routeHostnames returns a route's hostnames in lower case, each once; nil where the route names none. Those that no
// host can have are told of in found, and take no part: a route that has no others fits nowhere.
func routeHostnames(list []gatewayv1.Hostname, found *problems) []string {
	if len(list) == 0 {
		return nil
	}
	hostnames := make([]string, 0, len(list))
	for i, each := range list {
		hostname := strings.ToLower(string(each))
		if !routing.ValidHostnamePattern(hostname) {
			found.add(string(gatewayv1.RouteReasonUnsupportedValue), index("spec.hostnames", i), "%q is not a hostname", each)
		} else if !slices.Contains(hostnames, hostname) {
			hostnames = append(hostnames, hostname)
		}
	}
	return hostnames
}

// intersection returns which of a route's hostnames fit a listener, and whether the route fits at all. A
// route without hostnames fits every listener, for every host of it.
func intersection(listener string, route []string) ([]string, bool) {
	if route == nil {
		return nil, true
	}
	var fit []string
	for _, hostname := range route {
		if hostnamesIntersect(listener, hostname) {
			fit = append(fit, hostname)
		}
	}
	return fit, len(fit) > 0
}
