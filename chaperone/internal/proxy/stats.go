package proxy

import (
	"errors"
	"sync"
	"sync/atomic"

	wire "github.com/pires/go-proxyproto"
)

// Result of a handshake. A Protocol may have further ones; see Failure.
type Result string

// Results of handshakes.
const (
	// HandshakeDone is a handshake that succeeded.
	HandshakeDone Result = "done"
	// HandshakeNoPreamble is a connection without the PROXY preamble that it had to begin with.
	HandshakeNoPreamble Result = "no_preamble"
	// HandshakeTimeout is one that took too long.
	HandshakeTimeout Result = "timeout"
	// HandshakeGaveWay is one that gave way to newer ones because there were too many.
	HandshakeGaveWay Result = "gave_way"
	// HandshakeRefused is one of a client that has as many connections as it may have, behind a load balancer.
	HandshakeRefused Result = "refused"
	// HandshakeFailed is one that failed for another reason: the client went away, did not speak the protocol,
	// or had nothing in common with us.
	HandshakeFailed Result = "failed"
)

// Results lists every Result of this package.
var Results = []Result{
	HandshakeDone, HandshakeNoPreamble, HandshakeTimeout, HandshakeGaveWay, HandshakeRefused, HandshakeFailed,
}

// Failure is why a Protocol did not make a handshake, with the Result that it is counted as.
type Failure struct {
	Result Result
	Err    error
}

func (f *Failure) Error() string { return f.Err.Error() }

// Unwrap gives the cause.
func (f *Failure) Unwrap() error { return f.Err }

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

// Stats is what a Server has done so far, and what it holds now.
type Stats struct {
	// Connections accepted since the start.
	Connections uint64
	// Open connections, those in a handshake included.
	Open int
	// Refused connections since the start, by Bound.
	Refused [len(BoundNames)]uint64
	// Pending handshakes.
	Pending int
	// Handshakes since the start, by result; one that never was is not there.
	Handshakes map[Result]uint64
	// Unreachable counts the connections that were given up because varnishd could not be reached.
	Unreachable uint64
}

// Stats gives the numbers of this moment.
func (s *Server) Stats() Stats {
	stats := Stats{
		Connections: s.counters.connections.Load(),
		Open:        s.open.count(),
		Pending:     s.handshakes.count(),
		Handshakes:  map[Result]uint64{},
		Unreachable: s.counters.unreachable.Load(),
	}
	for i := range stats.Refused {
		stats.Refused[i] = s.counters.refused[i].Load()
	}
	s.counters.results.Range(func(result, count any) bool {
		stats.Handshakes[result.(Result)] = count.(*atomic.Uint64).Load()
		return true
	})
	return stats
}

// Arriving counts the connections that varnishd does not know yet: those in a handshake, and those that wait for
// varnishd.
func (s *Server) Arriving() int { return int(s.counters.arriving.Load()) }

// counters grow while the Server lives, but for arriving.
type counters struct {
	arriving atomic.Int64

	connections, unreachable atomic.Uint64
	// refused by Bound.
	refused [len(BoundNames)]atomic.Uint64
	// results are *atomic.Uint64 by Result.
	results sync.Map
}

// handshake counts one that ended with err.
func (c *counters) handshake(err error) {
	result := resultOf(err)
	count, found := c.results.Load(result)
	if !found {
		count, _ = c.results.LoadOrStore(result, new(atomic.Uint64))
	}
	count.(*atomic.Uint64).Add(1)
}

func resultOf(err error) Result {
	var failure *Failure
	switch {
	case err == nil:
		return HandshakeDone
	case errors.Is(err, errGaveWay):
		return HandshakeGaveWay
	case errors.Is(err, errTooManyOfAddress):
		return HandshakeRefused
	case errors.As(err, &failure):
		return failure.Result
	case errors.Is(err, wire.ErrNoProxyProtocol):
		return HandshakeNoPreamble
	case isTimeout(err):
		return HandshakeTimeout
	}
	return HandshakeFailed
}
