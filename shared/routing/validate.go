package routing

import (
	"fmt"
	"net/netip"
	"strings"

	"github.com/varnish-gateway/gateway/shared/internal/check"
)

const maxPort = 65535

// root is the path of the file itself.
var root *check.Path

// Validate gives every problem of the records of a configuration, in the order of the file. None of them is a
// reason to refuse it: each record with a problem is inert (docs/reference/routing.md). References to services
// are checked only where the file holds them, that is, without shards or after Join. Features are those of the
// reader.
func Validate(config Config, features Features) []Diagnostic {
	var report check.Report
	checkHead(&report, config)
	report.Diagnostics = append(report.Diagnostics, ValidateListeners(config.Listeners, features)...)
	checkListenerKeys(&report, config.Listeners)
	report.Diagnostics = append(report.Diagnostics, ValidateRoutes(config.Routes, references(config), features)...)
	checkServices(&report, config.Services, features)
	report.Diagnostics = append(report.Diagnostics, ValidateCachePolicies(config.CachePolicies, features)...)
	checkShards(&report, config.Shards)
	return report.Diagnostics
}

// ValidateOwn gives those problems of a complete configuration that are in what ghost.json does not repeat. The others
// are for ghost to tell: it reads them anyway. Features are those of the reader.
func ValidateOwn(config Config, features Features) []Diagnostic {
	var report check.Report
	checkGateway(&report, config.Gateway)
	checkListenerKeys(&report, config.Listeners)
	checkServices(&report, config.Services, features)
	return report.Diagnostics
}

func references(config Config) References {
	known := References{Listeners: map[string]bool{}}
	for _, listener := range config.Listeners {
		known.Listeners[listener.Name] = true
	}
	if len(config.Shards) > 0 {
		return known
	}
	known.CachePolicies = map[string]bool{}
	for i := range config.CachePolicies {
		known.CachePolicies[config.CachePolicies[i].ID] = true
	}
	known.Services = map[string]bool{}
	for _, service := range config.Services {
		known.Services[service.ID] = true
	}
	return known
}

func checkHead(report *check.Report, config Config) {
	if config.Sequence < 0 {
		report.Add(root.Field("sequence"), "A sequence cannot be negative")
	}
	checkGateway(report, config.Gateway)
	report.Diagnostics = append(report.Diagnostics, ValidateTrustedHops(config.TrustedHops)...)
}

func checkGateway(report *check.Report, gateway Gateway) {
	path := root.Field("gateway")
	if gateway.Namespace == "" {
		report.Add(path.Field("namespace"), "The Gateway's namespace is missing")
	}
	if gateway.Name == "" {
		report.Add(path.Field("name"), "The Gateway's name is missing")
	}
}

// ValidateTrustedHops gives the problems of a list of networks.
func ValidateTrustedHops(networks []string) []Diagnostic {
	var report check.Report
	for i, network := range networks {
		if _, err := netip.ParsePrefix(network); err != nil {
			report.Add(root.At("trustedHops", i), "%q is not a network in CIDR notation", network)
		}
	}
	return report.Diagnostics
}

// checkListenerKeys checks what only chaperone reads of a listener.
func checkListenerKeys(report *check.Report, listeners []Listener) {
	for i, listener := range listeners {
		path := root.At("listeners", i)
		want := fmt.Sprintf("%s-%d", strings.ToLower(string(listener.Protocol)), listener.Port)
		if listener.Socket != "" && listener.Socket != want {
			report.Add(path.Field("socket"), "The socket is %q, but protocol and port make it %q", listener.Socket, want)
		}
		for j, name := range listener.Certificates {
			// The name becomes part of a file name: it must not lead out of the directory.
			if !ValidHostname(name) {
				report.Add(path.At("certificates", j), "%q is not a plain file name", name)
			}
		}
	}
}

func checkServices(report *check.Report, services []Service, features Features) {
	seen := map[string]bool{}
	for i, service := range services {
		path := root.At("services", i)
		report.Object = "Service " + service.Namespace + "/" + service.Name
		want := ServiceID(service.Namespace, service.Name, service.Port)
		switch {
		case service.Namespace == "":
			report.Add(path.Field("namespace"), "The Service's namespace is missing")
		case service.Name == "":
			report.Add(path.Field("name"), "The Service's name is missing")
		case !validPort(service.Port):
			report.Add(path.Field("port"), "%d is not a port", service.Port)
		case service.ID != want:
			report.Add(path.Field("id"), "The ID is %q, but namespace, name and port make it %q", service.ID, want)
		case seen[service.ID]:
			report.Add(path.Field("id"), "The ID %q is taken by an earlier service", service.ID)
		}
		seen[service.ID] = true
		checkNeeds(report, path, service.Needs, features)
	}
	report.Object = ""
}

// ServiceID is the ID of a port of a Service in the service table.
func ServiceID(namespace, name string, port int32) string {
	return fmt.Sprintf("%s/%s:%d", namespace, name, port)
}

func checkNeeds(report *check.Report, record *check.Path, needs []Feature, features Features) {
	for i, feature := range needs {
		if !features[feature] {
			report.Add(record.At("needs", i), "The feature %q is not known to this version", feature)
		}
	}
}

func validPort(port int32) bool { return 1 <= port && port <= maxPort }
