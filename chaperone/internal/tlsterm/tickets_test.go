package tlsterm

import (
	"bytes"
	"crypto/tls"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// secret is a key of session tickets as the Secret has it.
func secret(fill byte) []byte { return bytes.Repeat([]byte{fill}, gatewaypod.TicketKeyLength) }

func TestASessionResumesInAnotherPod(t *testing.T) {
	ca := newAuthority(t)
	listeners := []routing.Listener{https("www", "www.example.com", "c"), https("api", "api.example.com", "c")}
	pod := func(t *testing.T, before bool, keys ...[]byte) *terminal {
		term := startTerminal(t, proxy.Options{}, false)
		startVarnishd(t, term.path, echo)
		if before {
			term.terminator.SetTicketKeys(keys)
		}
		require.Empty(t, term.Update(listeners, map[string]Pair{"c": ca.issue(t, ecdsaKey(), "c")}))
		if !before {
			term.terminator.SetTicketKeys(keys)
		}
		return term
	}
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		t.Run(tls.VersionName(version), func(t *testing.T) {
			cache := &anyNameCache{}
			resumes := func(term *terminal, name string) bool {
				config := asking(name)
				config.MaxVersion, config.ClientSessionCache = version, cache
				conn, err := tls.Dial("tcp", term.address, config)
				require.NoError(t, err)
				defer func() { _ = conn.Close() }()
				// The ticket of TLS 1.3 comes after the handshake.
				assertEcho(t, conn, "hello")
				return conn.ConnectionState().DidResume
			}
			one, other := pod(t, true, secret(1)), pod(t, false, secret(1))
			assert.False(t, resumes(one, "www.example.com"))
			assert.True(t, resumes(other, "www.example.com"), "another pod with the same keys")
			assert.False(t, resumes(other, "api.example.com"), "another listener")
			assert.False(t, resumes(one, "www.example.com"), "of another listener as well")

			other.terminator.SetTicketKeys([][]byte{secret(2), secret(1)})
			assert.True(t, resumes(other, "www.example.com"), "the keys were rotated: the older one decrypts")
			assert.False(t, resumes(one, "www.example.com"), "the newest one encrypts, and this pod does not have it yet")

			other.terminator.SetTicketKeys(nil)
			assert.True(t, resumes(other, "www.example.com"), "without keys, those that were there stay")
			one.terminator.SetTicketKeys([][]byte{secret(3)})
			assert.False(t, resumes(one, "www.example.com"), "a key that is gone decrypts nothing")
			assert.False(t, resumes(pod(t, true), "www.example.com"), "a pod without keys has its own")
		})
	}
}
