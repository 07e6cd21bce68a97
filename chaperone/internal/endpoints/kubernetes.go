// Package endpoints keeps the table of EndpointSlices as Kubernetes tells of them. What becomes of
// them is decided in the package of that name in the module shared, where gatewayctl asks too.
package endpoints

import (
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/shared/endpoints"
)

// Service names a Service.
type Service = endpoints.Service

// Table is endpoints.Table of the module shared, which is told of Kubernetes' objects.
type Table struct{ *endpoints.Table }

// NewTable is an empty table.
func NewTable() *Table { return &Table{endpoints.NewTable()} }

// Set puts an EndpointSlice in the place of the one of that name, and gives the Services that may
// now have other endpoints.
func (t *Table) Set(source *discoveryv1.EndpointSlice) []Service { return t.Table.Set(sliceOf(source)) }

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
