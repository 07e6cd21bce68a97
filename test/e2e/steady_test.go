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

// clients is how many connections a steady load has, and so how many requests can be in flight at once.
const clients = 6

// steady is a load that goes on while something happens to the gateway.
type steady struct {
	*gateway
	run *load.Run
}

// startSteady loads the gateway by plain HTTP or HTTPS, and returns once it answers.
func startSteady(t *testing.T, g *gateway, scheme string) *steady {
	t.Helper()
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
	s := &steady{gateway: g, run: load.Start(context.WithoutCancel(t.Context()), config)}
	t.Cleanup(func() { s.run.Stop() })
	s.more()
	return s
}

// more waits until the load has got another hundred right answers.
func (s *steady) more() {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	require.NoError(s.t, s.run.More(ctx, 100))
}

// end stops the load and says what the clients saw.
func (s *steady) end(what string) load.Result {
	result := s.run.Stop()
	s.t.Logf("%s: %s", what, result)
	return result
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
func onlyInFlight(t *testing.T, result load.Result) {
	t.Helper()
	lost := result.Counts[load.NoAnswer] + result.Counts[load.CutAnswer]
	assert.LessOrEqual(t, lost, 2*clients)
	assert.Equal(t, lost+result.Counts[load.ConnectFailed], result.Failed(), "nothing failed in another way")
}

// simpleFiles is a Gateway with one route to one service.
func simpleFiles(ports ...int) map[string]string {
	return map[string]string{
		"gateway.yaml":  plainGateway,
		"services.yaml": service("one", ports...),
		"route.yaml":    route("main", "", "  - backendRefs: [{name: one, port: 80}]"),
	}
}
