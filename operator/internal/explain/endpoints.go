package explain

import (
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// resolve finds the endpoints of each service: those that are ready, or where none is, those that still serve
// while they terminate.
func resolve(services []routing.Service, slices []*discoveryv1.EndpointSlice) map[string][]ghostconf.Endpoint {
	found := map[string][]ghostconf.Endpoint{}
	for _, service := range services {
		ready := addresses(service, slices, isReady)
		if len(ready) == 0 {
			ready = addresses(service, slices, isLeaving)
		}
		found[service.ID] = ready
	}
	return found
}

func addresses(service routing.Service, slices []*discoveryv1.EndpointSlice, usable func(discoveryv1.EndpointConditions) bool) []ghostconf.Endpoint {
	var found []ghostconf.Endpoint
	seen := map[ghostconf.Endpoint]bool{}
	for _, slice := range slices {
		if slice.Namespace != service.Namespace || slice.Labels[discoveryv1.LabelServiceName] != service.Name ||
			slice.AddressType == discoveryv1.AddressTypeFQDN {
			continue
		}
		port, ok := portOf(slice, service.PortName)
		if !ok {
			continue
		}
		for _, e := range slice.Endpoints {
			if len(e.Addresses) == 0 || !usable(e.Conditions) {
				continue
			}
			endpoint := ghostconf.Endpoint{Address: e.Addresses[0], Port: port}
			if !seen[endpoint] {
				seen[endpoint] = true
				found = append(found, endpoint)
			}
		}
	}
	return found
}

func portOf(slice *discoveryv1.EndpointSlice, name string) (int32, bool) {
	for _, port := range slice.Ports {
		if port.Port != nil && deref(port.Name, "") == name && deref(port.Protocol, corev1.ProtocolTCP) == corev1.ProtocolTCP {
			return *port.Port, true
		}
	}
	return 0, false
}

// isReady and isLeaving follow the API: conditions that are not known count as ready and serving.
func isReady(c discoveryv1.EndpointConditions) bool { return deref(c.Ready, true) }

func isLeaving(c discoveryv1.EndpointConditions) bool {
	return deref(c.Serving, true) && deref(c.Terminating, false)
}

func deref[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
