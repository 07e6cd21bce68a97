package gatewaypod

import "time"

// What one pod takes on at once, and for how long, where its parameters do not say. These are the
// defaults of chaperone's flags; docs/reference/limits.md says what each costs.
const (
	// DefaultMaxTLSConnections may be open in all, and DefaultMaxTLSConnectionsPerAddress of one
	// client.
	DefaultMaxTLSConnections           = 8192
	DefaultMaxTLSConnectionsPerAddress = 4096
	// DefaultMaxBackendRequests may be in flight, those to all services together. How many of them
	// one service may have depends on how many services there are.
	DefaultMaxBackendRequests = 4000
	// DefaultRequestTimeout is how long a request may take until the end of its body.
	DefaultRequestTimeout = time.Hour
	// DefaultIdleTimeout is how long a client's connection may wait for its next request: longer
	// than the 60 s of load balancers, so that these close first, and send no request into a
	// connection that is being closed.
	DefaultIdleTimeout = 75 * time.Second
	// DefaultDrainTimeout is how long requests in flight may take when a pod ends.
	DefaultDrainTimeout = 30 * time.Second
)

// The longest times that can be asked for, far beyond what is useful.
const (
	LongestRequestTimeout = 30 * 24 * time.Hour
	LongestIdleTimeout    = 24 * time.Hour
)
