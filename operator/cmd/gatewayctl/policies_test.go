package main

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const tlsPolicy = `
---
apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: secure}
spec:
  targetRefs: [{group: "", kind: Service, name: one}]
  validation: {wellKnownCACertificates: System, hostname: one.example.org}
`

// HTTPBackendRef of the Gateway API: a BackendTLSPolicy that cannot be met makes the backendRef invalid.
func TestAPolicyThatAsksForTLSIsNamedByCheckAndExplain(t *testing.T) {
	const why = `BackendTLSPolicy "default/secure" asks for TLS to port 80 of Service "default/one", which is not supported`
	out, err := ctl(t, soundManifests+tlsPolicy, "check")
	require.Error(t, err)
	assert.Contains(t, out, why)
	assert.Contains(t, out, "BackendTLSPolicy default/secure: Accepted=False (NotSupported): ")

	out, err = ctl(t, soundManifests+tlsPolicy, "explain", "GET", "http://a.example:8080/")
	require.NoError(t, err)
	assert.Contains(t, out, "500 by the gateway itself: the backend is invalid: UnsupportedProtocol")
	assert.Contains(t, out, why)
}
