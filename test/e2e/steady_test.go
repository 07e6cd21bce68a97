package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/load"
	"github.com/varnish-gateway/gateway/test/stack"
)

// clients is how many connections a steady load has of each protocol, and so how many requests can be in flight at once.
const clients = 6

// steady is a load that goes on while something happens to the gateway.
type steady struct {
	*gateway
	load.Group
}

// startSteady loads the gateway by each of the protocols, and returns once it answers.
func startSteady(t *testing.T, g *gateway, protocols ...load.Protocol) *steady {
	t.Helper()
	s := &steady{gateway: g, Group: load.StartGroup(context.WithoutCancel(t.Context()), protocols, g.loadConfig)}
	t.Cleanup(func() { s.Stop() })
	s.more()
	return s
}

// startSteadyOfAll loads the gateway by every protocol.
func startSteadyOfAll(t *testing.T, g *gateway) *steady {
	t.Helper()
	return startSteady(t, g, load.EveryProtocol()...)
}

// loadConfig is the load of one protocol.
func (g *gateway) loadConfig(protocol load.Protocol) load.Config {
	scheme := protocol.Scheme()
	config := load.Config{
		Address: g.address(scheme), Clients: clients, Pause: 4 * time.Millisecond, Timeout: 30 * time.Second,
		Request: func() *http.Request {
			request, err := http.NewRequest(http.MethodGet, scheme+"://a.example/load", nil)
			if err != nil {
				panic(err) // the URL is a constant
			}
			return request
		},
	}
	if scheme == "https" {
		config.TLS = &tls.Config{ServerName: "a.example", InsecureSkipVerify: true} //nolint:gosec // which certificate came does not matter
	}
	return config
}

// more waits until the load of each protocol has got another hundred right answers.
func (s *steady) more() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	require.NoError(s.t, s.More(ctx, 100))
}

// end stops the load and says what the clients of each protocol saw.
func (s *steady) end(what string) load.Results {
	results := s.Stop()
	s.t.Logf("%s:\n%s", what, results)
	return results
}

// noneFailed checks that every request got its right answer.
func noneFailed(t *testing.T, results load.Results) {
	t.Helper()
	assert.NoError(t, results.NoneFailed())
}

func (g *gateway) parts() stack.Parts {
	g.t.Helper()
	var parts stack.Parts
	g.await("all processes", func() (err error) { parts, err = g.stack.Parts(); return err })
	return parts
}

// partsOtherThan waits until a part has been replaced.
func (s *steady) partsOtherThan(old func(stack.Parts) bool) stack.Parts {
	s.t.Helper()
	var parts stack.Parts
	s.await("a new process", func() (err error) {
		if parts, err = s.stack.Parts(); err == nil && old(parts) {
			err = errors.New("the old one is there")
		}
		return err
	})
	return parts
}

// onlyInFlight checks that a killed process took no requests with it but those that it had: at most two on each
// connection (one that it was serving, and one in the listening socket's queue, which varnishd closes when its
// child ends), and only by losing the connection. Until the next process listens, connections are refused.
func onlyInFlight(t *testing.T, results load.Results) {
	t.Helper()
	for protocol, result := range results {
		assert.LessOrEqual(t, result.Lost(), 2*clients, protocol)
		assert.Equal(t, result.Lost()+result.Counts[load.ConnectFailed], result.Failed(), "%s: nothing failed in another way", protocol)
	}
}

// simpleFiles is a Gateway with one route to one service.
func simpleFiles(ports ...int) map[string]string {
	return map[string]string{
		"gateway.yaml":  plainGateway,
		"services.yaml": service("one", ports...),
		"route.yaml":    route("main", "", "  - backendRefs: [{name: one, port: 80}]"),
	}
}
