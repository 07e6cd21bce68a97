package explain

import (
	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/shared/endpoints"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/kubernetes"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// resolve finds the endpoints of each service as chaperone does.
func resolve(services []routing.Service, slices []*discoveryv1.EndpointSlice) map[string][]ghostconf.Endpoint {
	table := endpoints.NewTable()
	for _, slice := range slices {
		table.Set(kubernetes.EndpointSlice(slice))
	}
	found := map[string][]ghostconf.Endpoint{}
	for _, s := range services {
		found[s.ID] = table.Endpoints(endpoints.Service{Namespace: s.Namespace, Name: s.Name}, s.PortName)
	}
	return found
}
