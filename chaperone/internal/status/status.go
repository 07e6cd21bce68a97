// Package status holds the one value that says what this pod runs. Many parts of chaperone write to
// it; the admin API and the metrics read it. Its JSON form is docs/reference/admin-api.md.
package status

import "github.com/varnish-gateway/gateway/shared/ghostconf"

// Status is what this pod runs.
type Status struct {
	// Revision grows by one with every change of the rest, and never otherwise.
	Revision int64 `json:"revision"`
	// Ready is what /readyz says.
	Ready        bool         `json:"ready"`
	Versions     Versions     `json:"versions"`
	Routing      Routing      `json:"routing"`
	VCL          VCL          `json:"vcl"`
	Certificates Certificates `json:"certificates"`
	// Sockets that are open, by name, in the order of the flags.
	Sockets  []string `json:"sockets"`
	Varnishd Varnishd `json:"varnishd"`
}

// Versions of what runs here.
type Versions struct {
	Chaperone string `json:"chaperone"`
	// Varnishd is empty until varnishd has said its version.
	Varnishd  string    `json:"varnishd"`
	Contracts Contracts `json:"contracts"`
}

// Contracts are the versions of the contracts that this build knows.
type Contracts struct {
	Routing string `json:"routing"`
	Ghost   string `json:"ghost"`
	VCL     string `json:"vcl"`
}

// Routing is the routing configuration that ghost runs.
type Routing struct {
	// Sequence of the routing.json that ghost runs; 0 where it runs none.
	Sequence int64 `json:"sequence"`
	// GhostSequence is the sequence of the ghost.json that ghost runs.
	GhostSequence int64 `json:"ghostSequence"`
	// Routes, Services and Endpoints that ghost runs.
	Routes    int `json:"routes"`
	Services  int `json:"services"`
	Endpoints int `json:"endpoints"`
	// Error says what is wrong with newer routing, which is not in effect for that; empty where nothing is.
	Error string `json:"error"`
	// Pending says what newer routing waits for; empty where it waits for nothing.
	Pending string `json:"pending"`
	// Diagnostics tell of records that are inert.
	Diagnostics []ghostconf.Diagnostic `json:"diagnostics"`
}

// VCL is the VCL that varnishd runs.
type VCL struct {
	// Sequence of the main.vcl that is active; 0 for what stands for it, but for the last good one.
	Sequence int64 `json:"sequence"`
	// Active is the name under which varnishd knows it; empty where it runs none.
	Active string `json:"active"`
	// Error is the compiler's message where the newest main.vcl is not in effect.
	Error string `json:"error"`
	// Fallback says what is active where it is not the newest main.vcl.
	Fallback Fallback `json:"fallback"`
	// LeftOut names the users' VCL that requests are served without.
	LeftOut []string `json:"leftOut"`
}

// Fallback is what is active in the place of the newest main.vcl.
type Fallback string

// What can be active in the place of the newest main.vcl.
const (
	// FallbackNone means that main.vcl is active, or nothing is.
	FallbackNone Fallback = ""
	// FallbackLastGood is the last main.vcl that worked.
	FallbackLastGood Fallback = "lastGood"
	// FallbackPartial is main.vcl without those users' VCL that may be left out.
	FallbackPartial Fallback = "partial"
	// FallbackOpen routes without any user's VCL, where what is generated of main.vcl does not work.
	FallbackOpen Fallback = "open"
	// FallbackClosed answers every request 503.
	FallbackClosed Fallback = "closed"
)

// Fallbacks lists every Fallback but FallbackNone.
var Fallbacks = []Fallback{FallbackLastGood, FallbackPartial, FallbackOpen, FallbackClosed}

// Certificates that the TLS listeners present.
type Certificates struct {
	// Error says why certificates could not be read at all.
	Error string `json:"error"`
	// Problems of single certificates; the others serve.
	Problems []Problem `json:"problems"`
}

// Problem is one certificate that could not be used as it stands.
type Problem struct {
	// Name is the base name of its keys in the TLS Secret.
	Name string `json:"name"`
	// Message says what is wrong, in a sentence.
	Message string `json:"message"`
}

// VarnishdState is where varnishd is in its life.
type VarnishdState string

// States of varnishd.
const (
	// VarnishdStarting means that varnishd or its child is not serving yet.
	VarnishdStarting VarnishdState = "starting"
	// VarnishdRunning means that varnishd's child serves.
	VarnishdRunning VarnishdState = "running"
	// VarnishdBackoff means that varnishd ended and will be started again after a pause.
	VarnishdBackoff VarnishdState = "backoff"
	// VarnishdDraining means that chaperone was told to stop and requests in flight end.
	VarnishdDraining VarnishdState = "draining"
	// VarnishdStopped means that varnishd has ended for good.
	VarnishdStopped VarnishdState = "stopped"
)

// Varnishd is the process that serves.
type Varnishd struct {
	State VarnishdState `json:"state"`
	// Restarts counts how often varnishd itself ended unasked and was started again.
	Restarts int64 `json:"restarts"`
	// ChildRestarts counts how often varnishd started its child again.
	ChildRestarts int64 `json:"childRestarts"`
	// LastPanic is the first line of the child's last panic; empty where there was none.
	LastPanic string `json:"lastPanic,omitempty"`
}
