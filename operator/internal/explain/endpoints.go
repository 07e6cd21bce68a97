package explain

import (
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/shared/endpoints"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// resolve finds the endpoints of each service as chaperone does.
func resolve(services []routing.Service, slices []*discoveryv1.EndpointSlice) map[string][]ghostconf.Endpoint {
	table := endpoints.NewTable()
	for _, slice := range slices {
		table.Set(sliceOf(slice))
	}
	found := map[string][]ghostconf.Endpoint{}
	for _, s := range services {
		found[s.ID] = table.Endpoints(endpoints.Service{Namespace: s.Namespace, Name: s.Name}, s.PortName)
	}
	return found
}

// sliceOf says in the words of the module shared what an EndpointSlice holds.
func sliceOf(source *discoveryv1.EndpointSlice) endpoints.Slice {
	s := endpoints.Slice{
		Namespace: source.Namespace, Name: source.Name, Service: source.Labels[discoveryv1.LabelServiceName],
		AddressType: string(source.AddressType),
	}
	for _, p := range source.Ports {
		port := endpoints.Port{Number: p.Port}
		if p.Name != nil {
			port.Name = *p.Name
		}
		if p.Protocol != nil {
			port.Protocol = string(*p.Protocol)
		}
		s.Ports = append(s.Ports, port)
	}
	for i := range source.Endpoints {
		e := &source.Endpoints[i]
		target := ""
		if e.TargetRef != nil {
			target = string(e.TargetRef.UID)
		}
		s.Endpoints = append(s.Endpoints, endpoints.Endpoint{
			Addresses: e.Addresses, Target: target,
			Ready: e.Conditions.Ready, Serving: e.Conditions.Serving, Terminating: e.Conditions.Terminating,
		})
	}
	return s
}
