package ghostconf

import "github.com/varnish-gateway/gateway/shared/routing"

// FromRouting gives the ghost.json of a complete routing.json (after routing.Join) and the endpoints of its
// services by ID. A service without an entry has no endpoints. Sequence is left for Next to set. The result
// shares the routes and cache policies with its source.
func FromRouting(source routing.Config, endpoints map[string][]Endpoint) Config {
	config := Config{
		Version:         Version,
		RoutingSequence: source.Sequence,
		Settings:        source.Settings,
		Listeners:       make([]Listener, len(source.Listeners)),
		Routes:          source.Routes,
		Services:        make([]Service, len(source.Services)),
		CachePolicies:   source.CachePolicies,
	}
	for i, listener := range source.Listeners {
		config.Listeners[i] = Listener{
			Name:     listener.Name,
			Socket:   listener.Socket,
			Port:     listener.Port,
			Protocol: listener.Protocol,
			Hostname: listener.Hostname,
			Needs:    listener.Needs,
		}
	}
	for i, service := range source.Services {
		config.Services[i] = Service{ID: service.ID, Endpoints: SortEndpoints(endpoints[service.ID]), Needs: service.Needs}
	}
	return config
}
