package load

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Protocol that clients speak to a gateway.
type Protocol string

// Protocols: HTTP/1.1 and HTTP/2, each plain and over TLS.
const (
	HTTP  Protocol = "http"
	HTTPS Protocol = "https"
	H2C   Protocol = "h2c"
	H2    Protocol = "h2"
)

// EveryProtocol that a gateway speaks to clients.
func EveryProtocol() []Protocol { return []Protocol{HTTP, HTTPS, H2C, H2} }

// Scheme of the URLs: http or https.
func (p Protocol) Scheme() string {
	if p == HTTPS || p == H2 {
		return "https"
	}
	return "http"
}

// IsHTTP2 tells whether it is HTTP/2.
func (p Protocol) IsHTTP2() bool { return p == H2 || p == H2C }

// Group is a load of several protocols at once.
type Group map[Protocol]*Run

// StartGroup begins a load of each protocol.
func StartGroup(ctx context.Context, protocols []Protocol, config func(Protocol) Config) Group {
	group := Group{}
	for _, protocol := range protocols {
		c := config(protocol)
		c.HTTP2 = protocol.IsHTTP2()
		group[protocol] = Start(ctx, c)
	}
	return group
}

// More waits until n more requests of each protocol have got a right answer.
func (g Group) More(ctx context.Context, n int) error {
	for protocol, run := range g {
		if err := run.More(ctx, n); err != nil {
			return fmt.Errorf("%s: %w", protocol, err)
		}
	}
	return nil
}

// Withdraw is Run.Withdraw of each load.
func (g Group) Withdraw() {
	for _, run := range g {
		run.Withdraw()
	}
}

// Restore is Run.Restore of each load.
func (g Group) Restore() {
	for _, run := range g {
		run.Restore()
	}
}

// Stop ends the load, and gives the result of each protocol.
func (g Group) Stop() Results {
	results := Results{}
	for protocol, run := range g {
		results[protocol] = run.Stop()
	}
	return results
}

// Results of a Group.
type Results map[Protocol]Result

// String is a line for each protocol.
func (r Results) String() string {
	var lines []string
	for _, protocol := range slices.Sorted(maps.Keys(r)) {
		lines = append(lines, fmt.Sprintf("%s: %s", protocol, r[protocol]))
	}
	return strings.Join(lines, "\n")
}

// NoneFailed makes an error of every request that did not get its right answer.
func (r Results) NoneFailed() error { return r.check(func(Protocol, Result) int { return 0 }) }

// AfterDrain checks what clients saw while so many gateways ended as they should, each with its
// endpoint withdrawn before. Each client has one request in flight at most.
//
// Over TLS, and over HTTP/1.1, no request may fail. One of plain HTTP/2 may be lost with its connection, once for
// each client and gateway that ended: chaperone does not see its frames, and varnishd has no graceful GOAWAY.
func (r Results) AfterDrain(gateways int) error {
	return r.check(func(protocol Protocol, result Result) int {
		if protocol == H2C {
			return gateways * result.Clients
		}
		return 0
	})
}

// check makes an error of every failure but the lost connections, of which there may be so many.
func (r Results) check(lost func(Protocol, Result) int) error {
	var problems []error
	for protocol, result := range r {
		allowed := lost(protocol, result)
		if result.Lost() != result.Failed() || result.Lost() > allowed {
			problems = append(problems, fmt.Errorf("%s: %d requests may be lost with their connection, and nothing else: %s",
				protocol, allowed, result))
		}
	}
	return errors.Join(problems...)
}
