package tlsterm

import (
	"errors"
	"maps"
	"sync/atomic"
	"time"

	wire "github.com/pires/go-proxyproto"
)

// Result of a handshake.
type Result string

// Results of handshakes.
const (
	// HandshakeDone is a handshake that succeeded.
	HandshakeDone Result = "done"
	// HandshakeUnknownName is one for a name that no listener covers.
	HandshakeUnknownName Result = "unknown_name"
	// HandshakeNoCertificate is one at a listener that has no usable certificate.
	HandshakeNoCertificate Result = "no_certificate"
	// HandshakeNoPreamble is a connection without the PROXY preamble that it had to begin with.
	HandshakeNoPreamble Result = "no_preamble"
	// HandshakeTimeout is one that took too long.
	HandshakeTimeout Result = "timeout"
	// HandshakeGaveWay is one that gave way to newer ones because there were too many.
	HandshakeGaveWay Result = "gave_way"
	// HandshakeRefused is one of a client that has as many connections as it may have, behind a load balancer.
	HandshakeRefused Result = "refused"
	// HandshakeFailed is one that failed for another reason: the client went away, sent what is not TLS,
	// or had nothing in common with us.
	HandshakeFailed Result = "failed"
)

// Results lists every Result.
var Results = []Result{
	HandshakeDone, HandshakeUnknownName, HandshakeNoCertificate, HandshakeNoPreamble,
	HandshakeTimeout, HandshakeGaveWay, HandshakeRefused, HandshakeFailed,
}

// Bound is a bound on connections.
type Bound int

// Bounds on connections.
const (
	// BoundTotal is that of all connections.
	BoundTotal Bound = iota
	// BoundAddress is that of one client's.
	BoundAddress
)

// BoundNames are the names of the bounds, in their order.
var BoundNames = [...]string{BoundTotal: "total", BoundAddress: "address"}

// Stats is what a Terminator has done so far, and what it holds now.
type Stats struct {
	// Connections accepted since the start.
	Connections uint64
	// Open connections, those in a handshake included.
	Open int
	// Refused connections since the start, by Bound.
	Refused [len(BoundNames)]uint64
	// Pending handshakes.
	Pending int
	// Handshakes since the start, by result.
	Handshakes map[Result]uint64
	// Resumed counts the handshakes that resumed a session.
	Resumed uint64
	// Unreachable counts the connections that were given up because varnishd could not be reached.
	Unreachable uint64
	// Expiry of each certificate that a listener uses, by name.
	Expiry map[string]time.Time
}

// Stats gives the numbers of this moment.
func (t *Terminator) Stats() Stats {
	stats := Stats{
		Connections: t.counters.connections.Load(),
		Open:        t.open.count(),
		Pending:     t.handshakes.count(),
		Handshakes:  make(map[Result]uint64, len(Results)),
		Resumed:     t.counters.resumed.Load(),
		Unreachable: t.counters.unreachable.Load(),
	}
	for i := range stats.Refused {
		stats.Refused[i] = t.counters.refused[i].Load()
	}
	for i, result := range Results {
		stats.Handshakes[result] = t.counters.results[i].Load()
	}
	if table := t.table.Load(); table != nil {
		stats.Expiry = maps.Clone(table.expiry)
	}
	return stats
}

// Arriving counts the connections that varnishd does not know yet: those in a handshake, and those that wait for
// varnishd.
func (t *Terminator) Arriving() int { return int(t.counters.arriving.Load()) }

// counters grow while the Terminator lives, but for arriving.
type counters struct {
	arriving atomic.Int64

	connections, resumed, unreachable atomic.Uint64
	// refused by Bound.
	refused [len(BoundNames)]atomic.Uint64
	// results in the order of Results.
	results [8]atomic.Uint64
}

// handshake counts one that ended with err.
func (c *counters) handshake(err error) {
	result := resultOf(err)
	for i := range Results {
		if Results[i] == result {
			c.results[i].Add(1)
		}
	}
}

func resultOf(err error) Result {
	switch {
	case err == nil:
		return HandshakeDone
	case errors.Is(err, errGaveWay):
		return HandshakeGaveWay
	case errors.Is(err, errTooManyOfAddress):
		return HandshakeRefused
	case errors.Is(err, errUnknownName):
		return HandshakeUnknownName
	case errors.Is(err, errNoCertificate):
		return HandshakeNoCertificate
	case errors.Is(err, wire.ErrNoProxyProtocol):
		return HandshakeNoPreamble
	case isTimeout(err):
		return HandshakeTimeout
	}
	return HandshakeFailed
}
