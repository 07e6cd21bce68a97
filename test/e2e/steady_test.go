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

// everyProtocol is what clients speak to a gateway: HTTP/1.1 and HTTP/2, each plain and over TLS.
var everyProtocol = []string{"http", "https", "h2c", "h2"}

// steady is a load that goes on while something happens to the gateway.
type steady struct {
	*gateway
	runs map[string]*load.Run
}

// startSteady loads the gateway by each of the protocols, and returns once it answers.
func startSteady(t *testing.T, g *gateway, protocols ...string) *steady {
	t.Helper()
	s := &steady{gateway: g, runs: map[string]*load.Run{}}
	for _, protocol := range protocols {
		run := load.Start(context.WithoutCancel(t.Context()), g.loadConfig(protocol))
		t.Cleanup(func() { run.Stop() })
		s.runs[protocol] = run
	}
	s.more()
	return s
}

// loadConfig is the load of one protocol.
func (g *gateway) loadConfig(protocol string) load.Config {
	scheme := "http"
	if protocol == "https" || protocol == "h2" {
		scheme = "https"
	}
	config := load.Config{
		Address: g.address(scheme), Clients: clients, Pause: 4 * time.Millisecond, Timeout: 30 * time.Second,
		HTTP2: protocol == "h2" || protocol == "h2c",
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
	for protocol, run := range s.runs {
		require.NoError(s.t, run.More(ctx, 100), protocol)
	}
}

// end stops the load and says what the clients of each protocol saw.
func (s *steady) end(what string) map[string]load.Result {
	results := map[string]load.Result{}
	for protocol, run := range s.runs {
		results[protocol] = run.Stop()
		s.t.Logf("%s, %s: %s", what, protocol, results[protocol])
	}
	return results
}

// noneFailed checks that every request got its right answer.
func noneFailed(t *testing.T, results map[string]load.Result) {
	t.Helper()
	for protocol, result := range results {
		assert.Zero(t, result.Failed(), "%s: %s", protocol, result)
	}
}

func (s *steady) parts() stack.Parts {
	s.t.Helper()
	var parts stack.Parts
	s.await("all processes", func() (err error) { parts, err = s.stack.Parts(); return err })
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
func onlyInFlight(t *testing.T, results map[string]load.Result) {
	t.Helper()
	for protocol, result := range results {
		lost := result.Counts[load.NoAnswer] + result.Counts[load.CutAnswer]
		assert.LessOrEqual(t, lost, 2*clients, protocol)
		assert.Equal(t, lost+result.Counts[load.ConnectFailed], result.Failed(), "%s: nothing failed in another way", protocol)
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
