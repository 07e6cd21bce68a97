package ghostconf

import (
	"net/netip"
	"strings"

	"github.com/varnish-gateway/gateway/shared/internal/check"
	"github.com/varnish-gateway/gateway/shared/routing"
)

const maxPort = 65535

// root is the path of the file itself.
var root *check.Path

// Validate gives every problem of the records of a configuration. None of them is a reason to refuse it: each
// record with a problem is inert (docs/reference/ghost.md). Features are those of the reader.
func Validate(config Config, features routing.Features) []Diagnostic {
	var report check.Report
	checkSequences(&report, config)
	report.Diagnostics = append(report.Diagnostics, routing.ValidateTrustedHops(config.TrustedHops)...)
	report.Diagnostics = append(report.Diagnostics, routing.ValidateListeners(routingListeners(config.Listeners), features)...)
	report.Diagnostics = append(report.Diagnostics, routing.ValidateRoutes(config.Routes, references(config), features)...)
	checkServices(&report, config.Services, features)
	report.Diagnostics = append(report.Diagnostics, routing.ValidateCachePolicies(config.CachePolicies, features)...)
	return report.Diagnostics
}

func checkSequences(report *check.Report, config Config) {
	if config.Sequence < 0 {
		report.Add(root.Field("sequence"), "A sequence cannot be negative")
	}
	if config.RoutingSequence < 0 {
		report.Add(root.Field("routingSequence"), "A sequence cannot be negative")
	}
}

func routingListeners(listeners []Listener) []routing.Listener {
	same := make([]routing.Listener, len(listeners))
	for i, listener := range listeners {
		same[i] = routing.Listener{
			Name:     listener.Name,
			Socket:   listener.Socket,
			Port:     listener.Port,
			Protocol: listener.Protocol,
			Hostname: listener.Hostname,
			Needs:    listener.Needs,
		}
	}
	return same
}

func references(config Config) routing.References {
	known := routing.References{
		Listeners: map[string]bool{}, Services: map[string]bool{}, CachePolicies: map[string]bool{},
	}
	for i := range config.CachePolicies {
		known.CachePolicies[config.CachePolicies[i].ID] = true
	}
	for _, listener := range config.Listeners {
		known.Listeners[listener.Name] = true
	}
	for _, service := range config.Services {
		known.Services[service.ID] = true
	}
	return known
}

func checkServices(report *check.Report, services []Service, features routing.Features) {
	seen := map[string]bool{}
	for i, service := range services {
		path := root.At("services", i)
		report.Object = serviceObject(service.ID)
		switch {
		case service.ID == "":
			report.Add(path.Field("id"), "The service's ID is missing")
		case seen[service.ID]:
			report.Add(path.Field("id"), "The ID %q is taken by an earlier service", service.ID)
		}
		seen[service.ID] = true
		for j, endpoint := range service.Endpoints {
			checkEndpoint(report, path.At("endpoints", j), endpoint)
		}
		for j, feature := range service.Needs {
			if !features[feature] {
				report.Add(path.At("needs", j), "The feature %q is not known to this version", feature)
			}
		}
	}
}

func checkEndpoint(report *check.Report, path *check.Path, endpoint Endpoint) {
	if address, err := netip.ParseAddr(endpoint.Address); err != nil || address.Zone() != "" {
		report.Add(path.Field("address"), "%q is not an IP address", endpoint.Address)
	}
	if endpoint.Port < 1 || endpoint.Port > maxPort {
		report.Add(path.Field("port"), "%d is not a port", endpoint.Port)
	}
}

// serviceObject names the Service of an ID ("namespace/name:port"); empty for what is no ID.
func serviceObject(id string) string {
	name, _, ok := strings.Cut(id, ":")
	if !ok {
		return ""
	}
	return "Service " + name
}
