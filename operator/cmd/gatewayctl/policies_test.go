package main

import (
	"strings"
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

func TestCheckNamesTheTargetsAtWhichAPolicyDoesNotHold(t *testing.T) {
	policy := func(name, targets string) string {
		return "---\napiVersion: gateway.varnish.io/v1alpha1\nkind: VarnishCachePolicy\nmetadata: {name: " + name + "}\n" +
			"spec: {mode: Cache, targetRefs: [" + targets + "]}\n"
	}
	const web = "{group: gateway.networking.k8s.io, kind: Gateway, name: web}"
	const lost = "{group: gateway.networking.k8s.io, kind: Gateway, name: web, sectionName: htps}"
	for sentence, c := range map[string]struct{ manifests, want string }{
		"it holds at all of them": {policy("a", web), "no problems\n"},
		"one of two is not there": {policy("a", web+", "+lost), "VarnishCachePolicy default/a: Accepted=True (Accepted): The policy holds. There is no section htps of Gateway default/web.\n"},
		"another one goes first": {policy("a", web) + policy("b", web+", "+strings.Replace(lost, "htps", "http", 1)),
			"VarnishCachePolicy default/b: Accepted=True (Accepted): The policy holds. Another one goes first: default/a at Gateway default/web.\n"},
	} {
		out, err := ctl(t, soundManifests+c.manifests, "check")
		assert.Contains(t, out, c.want, sentence)
		assert.Equal(t, c.want == "no problems\n", err == nil, sentence)
	}
}

// An API server makes a name of generateName.
func TestAnObjectNeedsAPrefixOfItsNameOnly(t *testing.T) {
	out, err := ctl(t, soundManifests+"---\napiVersion: gateway.varnish.io/v1alpha1\nkind: VarnishCacheInvalidation\n"+
		"metadata: {generateName: article-7-}\nspec: {tags: [article-7]}\n", "check")
	require.NoError(t, err, out)
	assert.Equal(t, "no problems\n", out)
}
