package adminapi

import "github.com/varnish-gateway/gateway/shared/contract"

// Status is what this pod runs.
type Status struct {
	// Revision grows by one with every change of the rest, never otherwise, and starts again with chaperone.
	Revision int64 `json:"revision"`
	// Ready is what /readyz says.
	Ready bool `json:"ready"`
	// Versions of what runs here.
	Versions Versions `json:"versions"`
	// Routing is what ghost runs.
	Routing Routing `json:"routing"`
	// VCL is what varnishd runs.
	VCL VCL `json:"vcl"`
	// Certificates that the TLS listeners present.
	Certificates Certificates `json:"certificates"`
	// Sockets that are open, as --listen names them, in the order of the flags: "http-80+proxy". Before 1.2, the
	// names of all that the pod was started for, without "+proxy"; a reader compares the names then.
	Sockets []string `json:"sockets"`
	// Varnishd is the process that serves.
	Varnishd Varnishd `json:"varnishd"`
}

// Versions of what runs here.
type Versions struct {
	// Chaperone is the version of the gateway's image.
	Chaperone string `json:"chaperone"`
	// Varnishd is empty until varnishd has said its version.
	Varnishd string `json:"varnishd"`
	// Contracts that this build knows.
	Contracts Contracts `json:"contracts"`
}

// Contracts are the versions of the contracts that this build knows.
type Contracts struct {
	// Admin is the version of the admin API. Since 1.2; a reader takes a pod that does not tell it to present the
	// certificates that it was given.
	Admin string `json:"admin,omitempty"`
	// Routing is the version of routing.json.
	Routing string `json:"routing"`
	// Ghost is the version of ghost.json.
	Ghost string `json:"ghost"`
	// VCL is the version of main.vcl.
	VCL string `json:"vcl"`
}

// Routing is the routing configuration that ghost runs.
type Routing struct {
	// Sequence of the routing.json that ghost runs; 0 where it runs none.
	Sequence int64 `json:"sequence"`
	// Digest is the SHA-256 of that routing.json as it was published, without its shards, in hexadecimal. Empty where ghost
	// runs none, or one of an earlier run of chaperone that no file of this run is the same as. Since 1.3.
	Digest string `json:"digest,omitempty"`
	// GhostSequence is the sequence of the ghost.json that ghost runs: it also grows when endpoints change.
	GhostSequence int64 `json:"ghostSequence"`
	// Routes that ghost runs, by number.
	Routes int `json:"routes"`
	// Services that ghost runs, by number.
	Services int `json:"services"`
	// Endpoints that ghost runs, by number.
	Endpoints int `json:"endpoints"`
	// Error says what is wrong with newer routing, which is not in effect for that; empty where nothing is.
	Error string `json:"error"`
	// Pending says what newer routing, or a part of it, waits for: shards that are not there yet, the endpoints of a
	// namespace that is new to it, a ghost that cannot be asked or has been building it for 10 seconds, a watch that
	// cannot be opened, whose requests have failed for a minute, or of which the API server has said nothing for 11
	// minutes. Empty where it waits for nothing.
	Pending string `json:"pending"`
	// Diagnostics tell of records that are inert: ghost's words, and chaperone's about what ghost.json does not repeat.
	Diagnostics []contract.Diagnostic `json:"diagnostics"`
}

// VCL is the VCL that varnishd runs.
type VCL struct {
	// Sequence of the main.vcl that is active; 0 for what stands for it, but for the last good one.
	Sequence int64 `json:"sequence"`
	// Digest is the SHA-256 of the main.vcl that is active, or of the last good one, in hexadecimal; empty for what else
	// stands for it. Since 1.3.
	Digest string `json:"digest,omitempty"`
	// Active is the name under which varnishd knows it; empty where it runs none.
	Active string `json:"active"`
	// Error is the compiler's message where the newest main.vcl is not in effect, in several lines, with positions in the
	// users' own VCL.
	Error string `json:"error"`
	// Fallback says what is active where it is not the newest main.vcl; empty where it is, or nothing is. Since 1.1.
	Fallback Fallback `json:"fallback" jsonschema:"enum=,enum=lastGood,enum=partial,enum=open,enum=closed"`
	// LeftOut names the users' VCL that requests are served without. Since 1.1.
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
	// Problems of single certificates. The others serve, and of these the last good one if there was one.
	Problems []Problem `json:"problems"`
	// Presented are the certificates that listeners present, ordered by name. One with a problem is not among them. Since
	// 1.2.
	Presented []Presented `json:"presented,omitempty"`
}

// Presented is a certificate that is presented.
type Presented struct {
	// Name is the base name of its keys in the TLS Secret.
	Name string `json:"name"`
	// Digest is the SHA-256 of the certificate's file, in hexadecimal.
	Digest string `json:"digest"`
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
	// State is where it is in its life.
	State VarnishdState `json:"state" jsonschema:"enum=starting,enum=running,enum=backoff,enum=draining,enum=stopped"`
	// Restarts counts how often varnishd itself ended unasked and was started again.
	Restarts int64 `json:"restarts"`
	// ChildRestarts counts how often varnishd started its child again.
	ChildRestarts int64 `json:"childRestarts"`
	// LastEnd is how varnishd ended last when it was not asked to, with its last error or, without one, its last line;
	// empty where it never did. Since 1.2.
	LastEnd string `json:"lastEnd,omitempty"`
	// LastPanic is the first line of the child's last panic; empty where there was none.
	LastPanic string `json:"lastPanic,omitempty"`
}
