package options

import (
	"fmt"
	"math"
	"time"

	"github.com/spf13/pflag"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// Limits are what the pod takes on at once, and for how long; docs/reference/limits.md says what
// each costs.
type Limits struct {
	// MaxTLSConnections may be open in all, MaxTLSConnectionsPerAddress of one client.
	MaxTLSConnections, MaxTLSConnectionsPerAddress int
	// MaxBackendRequests bounds the requests to backends in flight, and
	// MaxBackendRequestsPerService those to one service; 0 leaves that to ghost.
	MaxBackendRequests, MaxBackendRequestsPerService int
	// RequestTimeout is the time until a request has come to its end.
	RequestTimeout time.Duration
	// IdleTimeout is how long a client's connection may wait for its next request.
	IdleTimeout time.Duration
}

func (l *Limits) flags(f *pflag.FlagSet) {
	f.IntVar(&l.MaxTLSConnections, "max-tls-connections", gatewaypod.DefaultMaxTLSConnections, "`NUMBER` of TLS connections that may be open; one more is closed at once")
	f.IntVar(&l.MaxTLSConnectionsPerAddress, "max-tls-connections-per-address", gatewaypod.DefaultMaxTLSConnectionsPerAddress, "`NUMBER` of TLS connections that one client may have open: one IPv4 address, or one IPv6 network of 64 bits")
	f.IntVar(&l.MaxBackendRequests, "max-backend-requests", gatewaypod.DefaultMaxBackendRequests, "how many requests to backends (`N`) may be in flight, those to all services together; one more is answered 503")
	f.IntVar(&l.MaxBackendRequestsPerService, "max-backend-requests-per-service", 0, "how many of them (`N`) may be to one service; a share of them if 0, by how many services there are (see limits.md)")
	f.DurationVar(&l.RequestTimeout, "request-timeout", gatewaypod.DefaultRequestTimeout, "how long a client may take to send the body of a request; it is answered 408 then")
	f.DurationVar(&l.IdleTimeout, "idle-timeout", gatewaypod.DefaultIdleTimeout, "how long a client's connection may wait for its next request")
}

func (l *Limits) check() error {
	if l.MaxTLSConnections < 1 || l.MaxTLSConnectionsPerAddress < 1 {
		return fmt.Errorf("--max-tls-connections and --max-tls-connections-per-address must be at least 1")
	}
	if l.MaxBackendRequests < 1 || l.MaxBackendRequests > math.MaxInt32 {
		return fmt.Errorf("--max-backend-requests: %d is not from 1 to %d", l.MaxBackendRequests, math.MaxInt32)
	}
	if l.MaxBackendRequestsPerService < 0 || l.MaxBackendRequestsPerService > math.MaxInt32 {
		return fmt.Errorf("--max-backend-requests-per-service: %d is not from 0 to %d", l.MaxBackendRequestsPerService, math.MaxInt32)
	}
	if l.RequestTimeout < time.Millisecond || l.RequestTimeout > gatewaypod.LongestRequestTimeout {
		return fmt.Errorf("--request-timeout: %v is not from 1ms to %v", l.RequestTimeout, gatewaypod.LongestRequestTimeout)
	}
	if l.IdleTimeout < time.Second || l.IdleTimeout > gatewaypod.LongestIdleTimeout {
		return fmt.Errorf("--idle-timeout: %v is not from 1s to %v", l.IdleTimeout, gatewaypod.LongestIdleTimeout)
	}
	return nil
}
