package decision

import (
	"net/http"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// serve says what the rule of a chosen match does with the request.
func (r *Router) serve(p *parsed, listener ghostconf.Listener, c *candidate) Decision {
	route := &r.config.Routes[c.route]
	rule := &route.Rules[c.rule]
	decision := Decision{Listener: listener.Name, Route: route.Key(), Rule: rule.ID, Match: c.match}
	if why := r.ruleFault(c.route, c.rule); why != "" {
		decision.Status, decision.Reason = http.StatusInternalServerError, why
		return decision
	}
	prefix := matchedPrefix(rule.Matches[c.match].Path)
	if redirect := firstRedirect(rule.Filters); redirect != nil {
		decision.Status, decision.Reason = redirect.StatusCode, "the rule redirects"
		decision.Location = location(p, listener, redirect, prefix)
		return decision
	}
	for k := range rule.Backends {
		if r.weight(c, k) > 0 {
			decision.Backends = append(decision.Backends, r.backend(p, listener, c, k))
		}
	}
	if len(decision.Backends) == 0 {
		decision.Status, decision.Reason = http.StatusInternalServerError, "the rule has no backend with a weight"
	}
	return decision
}

// ruleFault says why a whole rule can only answer 500; empty where it is sound.
func (r *Router) ruleFault(route, rule int) string {
	record := r.config.Routes[route].Rules[rule]
	if record.Invalid != "" {
		return "the rule is invalid: " + record.Invalid
	}
	routePath := at("routes", route)
	if fault, broken := r.faults.among(routePath, "namespace", "name", "uid"); broken {
		return fault.Message
	}
	fault, _ := r.faults.among(routePath+"."+at("rules", rule), "id", "filters", "needs")
	return fault.Message
}

// weight of a backend; 0 where what stands there is no weight.
func (r *Router) weight(c *candidate, index int) int32 {
	if _, broken := r.faults.at("routes[%d].rules[%d].backends[%d].weight", c.route, c.rule, index); broken {
		return 0
	}
	return r.config.Routes[c.route].Rules[c.rule].Backends[index].Weight
}

func (r *Router) backend(p *parsed, listener ghostconf.Listener, c *candidate, index int) Backend {
	rule := &r.config.Routes[c.route].Rules[c.rule]
	record := &rule.Backends[index]
	backend := Backend{Service: record.Service, Weight: record.Weight}
	service, why := r.service(c, index)
	if why != "" {
		backend.Status, backend.Reason = http.StatusInternalServerError, why
		return backend
	}
	prefix := matchedPrefix(rule.Matches[c.match].Path)
	if redirect := firstRedirect(record.Filters); redirect != nil {
		backend.Status, backend.Reason = redirect.StatusCode, "the backend's filter redirects"
		backend.Location = location(p, listener, redirect, prefix)
		return backend
	}
	backend.Endpoints = r.usableEndpoints(service)
	if len(backend.Endpoints) == 0 {
		backend.Status, backend.Reason = http.StatusServiceUnavailable, "the service has no endpoint that serves"
		return backend
	}
	backend.Upstream = Upstream{Method: p.Method, Host: p.Host, Target: p.Target, Headers: p.Headers}
	for _, filters := range [][]routing.Filter{rule.Filters, record.Filters} {
		for _, filter := range filters {
			backend.Upstream = filterRequest(p, backend.Upstream, filter, prefix)
			if filter.Type == routing.FilterResponseHeaderModifier {
				backend.responseFilters = append(backend.responseFilters, filter)
			}
		}
	}
	return backend
}

// service gives the index of a backend's service, or says why the backend's share answers 500.
func (r *Router) service(c *candidate, index int) (service int, why string) {
	record := r.config.Routes[c.route].Rules[c.rule].Backends[index]
	if record.Invalid != "" {
		return 0, "the backend is invalid: " + record.Invalid
	}
	path := at("routes", c.route) + "." + at("rules", c.rule) + "." + at("backends", index)
	if fault, broken := r.faults.among(path, "service", "filters", "needs"); broken {
		return 0, fault.Message
	}
	for i, candidate := range r.config.Services {
		if candidate.ID != record.Service {
			continue
		}
		fault, _ := r.faults.at("services[%d].needs", i)
		return i, fault.Message
	}
	return 0, "there is no such service"
}

func (r *Router) usableEndpoints(service int) []ghostconf.Endpoint {
	var usable []ghostconf.Endpoint
	for i, endpoint := range r.config.Services[service].Endpoints {
		if _, broken := r.faults.at("services[%d].endpoints[%d]", service, i); !broken {
			usable = append(usable, endpoint)
		}
	}
	return usable
}
