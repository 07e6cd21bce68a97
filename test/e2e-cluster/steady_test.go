//go:build cluster

package e2ecluster

import (
	"context"
	"crypto/tls"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/certificate"
	"github.com/varnish-gateway/gateway/test/load"
)

// clients is how many connections a steady load has of each protocol.
const clients = 4

// https443 is a listener on port 443 with the certificate of secureGateway.
const https443 = "{name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: certificate}]}}"

// bothListeners are what a steady load needs.
const bothListeners = http80 + ", " + https443

// secureGateway makes a Gateway with a listener on port 80 and one on 443, and returns the address when
// it is programmed.
func secureGateway(t *testing.T, namespace, name string) string {
	t.Helper()
	pair, err := certificate.SelfSigned("gateway.example")
	require.NoError(t, err)
	apply(t, namespace, pair.Secret("certificate"))
	apply(t, namespace, gatewayManifest(name, bothListeners))
	return programmed(t, namespace, name)
}

// steadyLoad goes on while something happens to a gateway.
type steadyLoad struct {
	t *testing.T
	load.Group
}

// steady begins a steady load on a path of a secureGateway, by every protocol.
func steady(t *testing.T, address, path string) *steadyLoad {
	t.Helper()
	s := &steadyLoad{t, load.StartGroup(t.Context(), load.EveryProtocol(), func(protocol load.Protocol) load.Config {
		scheme := protocol.Scheme()
		config := load.Config{
			Address: address + ":80", Clients: clients, Pause: 40 * time.Millisecond,
			Request: func() *http.Request {
				request, _ := http.NewRequest(http.MethodGet, scheme+"://"+address+path, nil)
				return request
			},
		}
		if scheme == "https" {
			config.Address = address + ":443"
			config.TLS = &tls.Config{ServerName: "gateway.example", InsecureSkipVerify: true} //nolint:gosec // whose certificate it is does not matter
		}
		return config
	})}
	s.more(100)
	return s
}

// more waits until n more requests of each protocol were answered rightly.
func (s *steadyLoad) more(n int) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	require.NoError(s.t, s.More(ctx, n))
}

// end stops the load, and checks that clients lost no more than what so many pods of the gateway that
// ended may cost.
func (s *steadyLoad) end(what string, pods int) {
	s.t.Helper()
	results := s.Stop()
	s.t.Logf("%s:\n%s", what, results)
	require.NoError(s.t, results.AfterDrain(pods))
}
