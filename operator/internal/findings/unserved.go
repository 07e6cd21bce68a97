package findings

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/operator/internal/manifest"
)

// Unserved lists the Services that have no endpoint, where EndpointSlices come from manifests alone: in a cluster, Kubernetes
// makes them.
func Unserved(set *manifest.Set) []manifest.Problem {
	byService := map[manifest.Key][]*discoveryv1.EndpointSlice{}
	for _, slice := range manifest.Of[*discoveryv1.EndpointSlice](set) {
		key := manifest.Key{Kind: "Service", Namespace: slice.Namespace, Name: slice.Labels[discoveryv1.LabelServiceName]}
		byService[key] = append(byService[key], slice)
	}
	c := &collector{set: set}
	for _, service := range manifest.Of[*corev1.Service](set) {
		if service.Spec.Type == corev1.ServiceTypeExternalName {
			continue
		}
		key := manifest.Key{Kind: "Service", Namespace: service.Namespace, Name: service.Name}
		c.endpoints(key, service.Spec.Ports, byService[key])
	}
	return c.found.Problems
}

func (c *collector) endpoints(service manifest.Key, ports []corev1.ServicePort, endpoints []*discoveryv1.EndpointSlice) {
	switch {
	case len(endpoints) == 0:
		c.add(service, "", fmt.Sprintf("it has no endpoints: no EndpointSlice has the label %s: %s", discoveryv1.LabelServiceName, service.Name))
	case !slices.ContainsFunc(endpoints, hasReady):
		c.add(service, "", "none of its endpoints is ready")
	}
	for i, port := range ports {
		if len(endpoints) > 0 && !slices.ContainsFunc(endpoints, func(s *discoveryv1.EndpointSlice) bool { return hasPort(s, port.Name) }) {
			c.add(service, fmt.Sprintf("spec.ports[%d].name", i), fmt.Sprintf("no EndpointSlice of the Service has a port with the name %q", port.Name))
		}
	}
}

func hasReady(slice *discoveryv1.EndpointSlice) bool {
	return slices.ContainsFunc(slice.Endpoints, func(e discoveryv1.Endpoint) bool { return e.Conditions.Ready == nil || *e.Conditions.Ready })
}

func hasPort(slice *discoveryv1.EndpointSlice, name string) bool {
	return slices.ContainsFunc(slice.Ports, func(p discoveryv1.EndpointPort) bool {
		return p.Name == nil && name == "" || p.Name != nil && *p.Name == name
	})
}
