package decision

import (
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Decision is what becomes of a request.
type Decision struct {
	// Listener is the name of the listener that serves the request; empty where none does.
	Listener string `json:"listener"`
	// Route is "namespace/name", Rule the rule's ID, Match the index of the match; Rule is empty where no
	// rule fits.
	Route string `json:"route"`
	Rule  string `json:"rule"`
	Match int    `json:"match"`
	// Status that the gateway answers by itself whatever the backend; 0 where that depends on the backend.
	Status int `json:"status"`
	// Location of a redirect.
	Location string `json:"location"`
	// Reason for Status, in a sentence's words.
	Reason string `json:"reason"`
	// Backends that the request may go to, each with a weight greater than 0; empty where Status is set.
	Backends []Backend `json:"backends"`
}

// Backend is one backend that a request may go to.
type Backend struct {
	// Service is the ID of the service; empty where the backend names none.
	Service string `json:"service"`
	// Weight is this backend's share of the sum of all weights.
	Weight int32 `json:"weight"`
	// Status that the gateway answers by itself when this backend is chosen; 0 where it sends the request.
	Status int `json:"status"`
	// Location of a redirect by the backend's own filter.
	Location string `json:"location"`
	// Reason for Status, in a sentence's words.
	Reason string `json:"reason"`
	// Endpoints that can take the request.
	Endpoints []ghostconf.Endpoint `json:"endpoints"`
	// Upstream is what an endpoint is sent, without what the gateway adds by itself.
	Upstream Upstream `json:"upstream"`

	responseFilters []routing.Filter
}

// Upstream is a request after all its filters.
type Upstream struct {
	Method  string           `json:"method"`
	Host    string           `json:"host"`
	Target  string           `json:"target"`
	Headers []routing.Header `json:"headers"`
}

// Response gives the headers of an answer of this backend after the response filters of rule and backend.
func (b Backend) Response(headers []routing.Header) []routing.Header {
	for _, filter := range b.responseFilters {
		headers = modifyHeaders(headers, filter.ResponseHeaderModifier)
	}
	return headers
}
