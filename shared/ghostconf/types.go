// Package ghostconf is the contract between chaperone and ghost: the types of ghost.json, and of what
// ghost answers to a reload.
//
// ghost.json is routing.json with its shards joined, without what only chaperone needs, and with the
// endpoints of every service.
package ghostconf

import (
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Config is the whole of ghost.json.
type Config struct {
	// Version of this contract, as "major.minor.patch". A reader refuses any other major than its own.
	Version string `json:"version" jsonschema:"pattern=^1\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)$"`
	// Sequence grows by one whenever the rest of the content changes.
	Sequence int64 `json:"sequence" jsonschema:"minimum=0"`
	// RoutingSequence is the Sequence of the routing.json that this was made from.
	RoutingSequence int64 `json:"routingSequence" jsonschema:"minimum=0"`
	routing.Settings
	// Listeners in the order of the Gateway's specification.
	Listeners []Listener `json:"listeners"`
	// CachePolicies that rules name, ordered by ID. Since 1.1.
	CachePolicies []routing.CachePolicy `json:"cachePolicies,omitempty"`
	// Routes, ordered by namespace and name.
	Routes []routing.Route `json:"routes"`
	// Services that the routes refer to, ordered by ID.
	Services []Service `json:"services"`
}

// Listener is what ghost needs of a listener: how to tell it from others, and what a Location says.
type Listener struct {
	// Name of the listener, as in routing.json.
	Name string `json:"name" jsonschema:"minLength=1"`
	// Socket is the name of the Varnish socket: lower-case protocol, dash, port ("https-443").
	Socket string `json:"socket" jsonschema:"minLength=1"`
	// Port that clients connect to.
	Port int32 `json:"port" jsonschema:"minimum=1,maximum=65535"`
	// Protocol spoken on the port.
	Protocol routing.Protocol `json:"protocol" jsonschema:"enum=HTTP,enum=HTTPS"`
	// Hostname that the listener serves: exact, "*.suffix", or empty for every host.
	Hostname string `json:"hostname,omitempty"`
	// Needs names the features without which this record must answer 500.
	Needs []routing.Feature `json:"needs,omitempty"`
}

// Service is a service with the endpoints that can take requests now.
type Service struct {
	// ID is "namespace/name:port".
	ID string `json:"id" jsonschema:"minLength=1"`
	// Endpoints, ordered by address and port; none means that requests are answered 503.
	Endpoints []Endpoint `json:"endpoints"`
	// Needs names the features without which this record must answer 500.
	Needs []routing.Feature `json:"needs,omitempty"`
}

// Endpoint is one address that serves.
type Endpoint struct {
	// Address is an IPv4 or IPv6 address, without brackets.
	Address string `json:"address" jsonschema:"minLength=1"`
	// Port that the endpoint listens on.
	Port int32 `json:"port" jsonschema:"minimum=1,maximum=65535"`
}

// ReloadResult is what ghost answers to POST /.varnish-ghost/reload: status 200 where the configuration
// was taken, 422 where the whole of it was refused (Error says why) and the last good one stays.
type ReloadResult struct {
	// Sequence of the configuration that ghost runs after this reload; 0 where it has none.
	Sequence int64 `json:"sequence"`
	// Error is empty where the configuration was taken.
	Error string `json:"error,omitempty"`
	// Diagnostics tell of records that are inert.
	Diagnostics []Diagnostic `json:"diagnostics"`
}

// Diagnostic tells of one record that a reader could not use as it stands.
type Diagnostic = contract.Diagnostic
