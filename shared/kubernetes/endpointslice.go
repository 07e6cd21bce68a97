// Package kubernetes says in the words of the module shared what objects of Kubernetes hold. It is a
// module of its own: shared knows no library of Kubernetes, and what reads the contracts needs none.
package kubernetes

import (
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/shared/endpoints"
)

// EndpointSlice is what package endpoints needs of an EndpointSlice. It shares the addresses and the
// conditions with its source.
func EndpointSlice(source *discoveryv1.EndpointSlice) endpoints.Slice {
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
