package e2e

import (
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/certificate"
	"github.com/varnish-gateway/gateway/test/load"
)

// rounds is how often each thing changes during the load.
const rounds = 5

func TestRoutesChangeWithoutAFailedRequest(t *testing.T) {
	one, two := startBackend(t, "one"), startBackend(t, "two")
	files := simpleFiles(one.port)
	files["two.yaml"] = service("two", two.port)
	g := startGateway(t, files)
	s := startSteadyOfAll(t, g)
	for i := range rounds {
		path := fmt.Sprintf("/round-%d", i)
		g.write("extra.yaml", route("extra", "", "  - matches: [{path: {value: "+path+"}}]\n    backendRefs: [{name: two, port: 80}]"))
		g.await("the new route", func() error { return g.from("two", "http://a.example"+path) })
	}
	s.more()
	noneFailed(t, s.end("routes changed"))
}

func TestEndpointsChangeWithoutAFailedRequest(t *testing.T) {
	one, two := startBackend(t, "one"), startBackend(t, "other")
	g := startGateway(t, simpleFiles(one.port))
	s := startSteadyOfAll(t, g)
	for range rounds {
		g.write("services.yaml", service("one", two.port))
		g.await("the other pod", func() error { return g.from("other", "http://a.example/") })
		g.write("services.yaml", service("one", one.port))
		g.await("the first pod", func() error { return g.from("one", "http://a.example/") })
	}
	s.more()
	noneFailed(t, s.end("endpoints changed"))
}

// classWithVCL lets the Gateways of the class have the VCL of the ConfigMap "user".
const classWithVCL = classWithParameters + "  vcl: {namespace: default, name: user}\n"

func userVCL(text string) string {
	return "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: user}\ndata:\n  main.vcl: |\n    " + text + "\n"
}

func (g *gateway) awaitVCLHeader(value string) {
	g.t.Helper()
	g.await("the VCL that answers "+value, func() error {
		a, err := g.get("http://a.example/")
		if err != nil {
			return err
		}
		if got := a.Header.Get("X-VCL"); got != value {
			return fmt.Errorf("X-VCL is %q", got)
		}
		return nil
	})
}

func TestVCLChangesWithoutAFailedRequest(t *testing.T) {
	one := startBackend(t, "one")
	files := simpleFiles(one.port)
	files["class.yaml"] = classWithVCL
	files["vcl.yaml"] = userVCL(`sub vcl_deliver { set resp.http.X-VCL = "first"; }`)
	g := startGateway(t, files)
	s := startSteadyOfAll(t, g)
	for i := range rounds {
		value := fmt.Sprint("round-", i)
		g.write("vcl.yaml", userVCL(`sub vcl_deliver { set resp.http.X-VCL = "`+value+`"; }`))
		g.awaitVCLHeader(value)
	}
	s.more()
	noneFailed(t, s.end("VCL changed"))
}

func TestTheStorageOfTheParametersIsThere(t *testing.T) {
	one := startBackend(t, "one")
	files := simpleFiles(one.port)
	files["class.yaml"] = strings.Replace(classWithVCL, "spec:\n  vcl:", "spec:\n  storage: {size: 16Mi}\n  vcl:", 1)
	files["vcl.yaml"] = userVCL(`sub vcl_deliver { if (storage.default.free_space <= 16MB) { set resp.http.X-VCL = "small"; } }`)
	g := startGateway(t, files)
	g.awaitVCLHeader("small")
}

func TestCertificatesChangeWithoutAFailedRequest(t *testing.T) {
	one := startBackend(t, "one")
	g := startGateway(t, simpleFiles(one.port))
	g.await("HTTPS", func() error { return g.from("one", "https://a.example/") })
	s := startSteady(t, g, load.HTTPS, load.H2)
	for range rounds {
		next, err := certificate.SelfSigned("a.example")
		require.NoError(t, err)
		g.write("certificate.yaml", next.Secret("certificate"))
		g.await("the new certificate", func() error {
			conn, err := tls.Dial("tcp", g.address("https"), &tls.Config{ServerName: "a.example", InsecureSkipVerify: true}) //nolint:gosec // only the serial matters
			if err != nil {
				return err
			}
			defer conn.Close()
			if conn.ConnectionState().PeerCertificates[0].SerialNumber.Cmp(next.Serial) != 0 {
				return fmt.Errorf("the old certificate is presented")
			}
			return nil
		})
	}
	s.more()
	noneFailed(t, s.end("certificates changed"))
}

func TestACertificateThatDoesNotFitItsKeyLeavesTheLastGoodOne(t *testing.T) {
	one := startBackend(t, "one")
	g := startGateway(t, simpleFiles(one.port))
	g.await("HTTPS", func() error { return g.from("one", "https://a.example/") })
	s := startSteady(t, g, load.HTTPS, load.H2)
	bad, err := certificate.SelfSigned("a.example")
	require.NoError(t, err)
	bad.Key = g.certificate.Key
	g.write("certificate.yaml", bad.Secret("certificate"))
	// What is written later is taken in with it, or after it.
	g.write("later.yaml", `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: later}
spec:
  parentRefs: [{name: web}]
  hostnames: [later.example]
  rules: [{backendRefs: [{name: one, port: 80}]}]
`)
	g.await("a later route", func() error { return g.from("one", "https://later.example/") })
	conn, err := tls.Dial("tcp", g.address("https"), &tls.Config{ServerName: "a.example", InsecureSkipVerify: true}) //nolint:gosec // only the serial matters
	require.NoError(t, err)
	defer conn.Close()
	assert.Equal(t, g.certificate.Serial, conn.ConnectionState().PeerCertificates[0].SerialNumber)
	s.more()
	noneFailed(t, s.end("a bad certificate was saved"))
}

func TestAListenerOnAnOpenPortComesWithoutAFailedRequest(t *testing.T) {
	one := startBackend(t, "one")
	g := startGateway(t, simpleFiles(one.port))
	before, err := g.stack.Parts()
	require.NoError(t, err)
	s := startSteadyOfAll(t, g)
	g.write("gateway.yaml", plainGateway+"  - {name: more, port: {HTTP}, protocol: HTTP, hostname: more.example}\n")
	g.write("only-more.yaml", `apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: only-more}
spec:
  parentRefs: [{name: web, sectionName: more}]
  rules: [{matches: [{path: {type: Exact, value: /only-more}}], backendRefs: [{name: one, port: 80}]}]
`)
	g.await("the new listener", func() error { return g.from("one", "http://more.example/only-more") })
	a, err := g.get("http://a.example/only-more")
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, a.StatusCode)
	assert.Equal(t, "default/main", a.seen.Headers.Get("X-Gateway-Route"), "the other listener does not have the route")
	s.more()
	noneFailed(t, s.end("a listener came"))
	after, err := g.stack.Parts()
	require.NoError(t, err)
	assert.Equal(t, before, after, "nothing was restarted")
}
