package e2e

import (
	"crypto/tls"
	"net/http"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/certificate"
)

const routingGateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: varnish
  listeners:
  - {name: http, port: {HTTP}, protocol: HTTP}
  - {name: a, port: {HTTPS}, protocol: HTTPS, hostname: a.example, tls: {certificateRefs: [{name: certificate}]}}
  - {name: rest, port: {HTTPS}, protocol: HTTPS, hostname: "*.example", tls: {certificateRefs: [{name: other}]}}
`

const routingRules = `  - matches: [{path: {value: /filtered}}]
    filters:
    - type: RequestHeaderModifier
      requestHeaderModifier: {set: [{name: X-Set, value: new}], add: [{name: X-Add, value: more}], remove: [x-remove]}
    - type: ResponseHeaderModifier
      responseHeaderModifier: {set: [{name: X-Answer, value: changed}], remove: [X-Hidden]}
    - type: URLRewrite
      urlRewrite: {hostname: inner.example, path: {type: ReplacePrefixMatch, replacePrefixMatch: /inner}}
    backendRefs: [{name: one, port: 80}]
  - matches: [{path: {value: /moved}}]
    filters:
    - type: RequestRedirect
      requestRedirect: {hostname: elsewhere.example, path: {type: ReplaceFullPath, replaceFullPath: /here}, statusCode: 302}
  - matches: [{path: {value: /weights}}]
    backendRefs: [{name: one, port: 80, weight: 3}, {name: two, port: 80, weight: 1}, {name: none, port: 80, weight: 0}]
  - matches: [{path: {value: /half-broken}}]
    backendRefs: [{name: one, port: 80}, {name: absent, port: 80}]
  - matches: [{path: {value: /nobody}}]
    backendRefs: [{name: none, port: 80}]
  - matches: [{path: {type: Exact, value: /exact}}]
    backendRefs: [{name: two, port: 80}]
  - matches:
    - {path: {value: /match}, method: PUT}
    - {path: {value: /match}, headers: [{name: X-Version, value: "2"}]}
    - {path: {value: /match}, queryParams: [{name: v, value: "2"}]}
    backendRefs: [{name: two, port: 80}]
  - backendRefs: [{name: one, port: 80}]
`

func startRouting(t *testing.T) *gateway {
	one, two := startBackend(t, "one"), startBackend(t, "two")
	other, err := certificate.SelfSigned("*.example")
	require.NoError(t, err)
	return startGateway(t, map[string]string{
		"gateway.yaml":  routingGateway,
		"other.yaml":    other.Secret("other"),
		"services.yaml": service("one", one.port) + "---\n" + service("two", two.port) + "---\n" + service("none"),
		"route.yaml":    route("main", "", routingRules),
		// A prefix goes before a regular expression, even "/": hence a hostname of its own.
		"regex.yaml": route("regex", "re.example", `  - matches: [{path: {type: RegularExpression, value: "/re/[0-9]+"}}]
    backendRefs: [{name: two, port: 80}]`),
	})
}

func TestRequestsReachTheServiceThatTheirRouteNames(t *testing.T) {
	g := startRouting(t)
	g.await("the route", func() error { return g.from("one", "http://x.example/") })
	cases := map[string]struct {
		url     string
		options []option
		status  int
		service string
	}{
		"the catch-all":                       {"http://x.example/whatever", nil, 200, "one"},
		"an exact path":                       {"http://x.example/exact", nil, 200, "two"},
		"an exact path is no prefix":          {"http://x.example/exact/x", nil, 200, "one"},
		"a regular expression":                {"http://re.example/re/42", nil, 200, "two"},
		"a regular expression matches whole":  {"http://re.example/re/42x", nil, 200, "one"},
		"a method":                            {"http://x.example/match", []option{withMethod("PUT")}, 200, "two"},
		"another method":                      {"http://x.example/match", nil, 200, "one"},
		"a header":                            {"http://x.example/match", []option{withHeader("X-Version", "2")}, 200, "two"},
		"a query parameter":                   {"http://x.example/match?v=2", nil, 200, "two"},
		"a query parameter is case-sensitive": {"http://x.example/match?V=2", nil, 200, "one"},
		"a service without endpoints":         {"http://x.example/nobody", nil, 503, ""},
		"HTTPS, by the exact name":            {"https://a.example/", nil, 200, "one"},
		"HTTPS, by the wildcard":              {"https://b.example/", nil, 200, "one"},
		"HTTPS with HTTP/2":                   {"https://a.example/", []option{withProtocols(func(p *http.Protocols) { p.SetHTTP2(true) })}, 200, "one"},
		"HTTP/2 without TLS":                  {"http://x.example/", []option{withProtocols(func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) })}, 200, "one"},
		"a request with a body":               {"http://x.example/", []option{withBody("hello")}, 200, "one"},
		"a request with a body over HTTP/2":   {"https://a.example/", []option{withBody("hello"), withProtocols(func(p *http.Protocols) { p.SetHTTP2(true) })}, 200, "one"},
		"a status of the service":             {"http://x.example/", []option{withHeader("X-Echo-Status", "418")}, 418, "one"},
		"a large answer, in chunks":           {"http://x.example/", []option{withHeader("X-Echo-Size", "3000000"), withHeader("X-Echo-Chunked", "true")}, 200, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a, err := g.get(c.url, c.options...)
			require.NoError(t, err)
			assert.Equal(t, c.status, a.StatusCode, string(a.body))
			assert.Equal(t, c.service, a.seen.Service)
		})
	}
	t.Run("a body arrives whole", func(t *testing.T) {
		a, err := g.get("http://x.example/", withBody("hello"))
		require.NoError(t, err)
		assert.Equal(t, int64(5), a.seen.BodyBytes)
	})
	t.Run("a large answer arrives whole", func(t *testing.T) {
		a, err := g.get("http://x.example/", withHeader("X-Echo-Size", "3000000"))
		require.NoError(t, err)
		assert.Len(t, a.body, 3000000)
	})
	t.Run("a truncated answer is not passed off as whole", func(t *testing.T) {
		// Where nothing was sent yet, the gateway can still say so; else it breaks the connection.
		a, err := g.get("http://x.example/", withHeader("X-Echo-Size", "300000"), withHeader("X-Echo-Truncate", "true"))
		if err == nil {
			assert.Contains(t, []int{502, 503}, a.StatusCode)
		}
	})
}

func TestFiltersChangeRequestAndAnswer(t *testing.T) {
	g := startRouting(t)
	g.await("the route", func() error { return g.from("one", "http://x.example/") })
	a, err := g.get("http://x.example/filtered/deep?q=1",
		withHeader("X-Set", "old"), withHeader("X-Add", "one"), withHeader("X-Remove", "gone"), withHeader("X-Echo-Set-Header", "X-Hidden: secret"))
	require.NoError(t, err)
	assert.Equal(t, "/inner/deep", a.seen.Path)
	assert.Equal(t, "q=1", a.seen.Query)
	assert.Equal(t, "inner.example", a.seen.Host)
	assert.Equal(t, []string{"new"}, a.seen.Headers["X-Set"])
	assert.Contains(t, [][]string{{"one", "more"}, {"one,more"}, {"one, more"}}, a.seen.Headers["X-Add"])
	assert.NotContains(t, a.seen.Headers, "X-Remove")
	assert.Equal(t, "changed", a.Header.Get("X-Answer"))
	assert.Empty(t, a.Header.Get("X-Hidden"))

	a, err = g.get("http://x.example/moved")
	require.NoError(t, err)
	assert.Equal(t, http.StatusFound, a.StatusCode)
	assert.Equal(t, "http://elsewhere.example:"+port(g.http)+"/here", a.Header.Get("Location"))
}

func TestWeightsAreKeptExactly(t *testing.T) {
	g := startRouting(t)
	g.await("the route", func() error { return g.from("one", "http://x.example/") })
	counts := map[string]int{}
	for range 40 {
		a, err := g.get("http://x.example/weights")
		require.NoError(t, err)
		counts[a.seen.Service]++
	}
	assert.Equal(t, map[string]int{"one": 30, "two": 10}, counts)

	statuses := map[int]int{}
	for range 20 {
		a, err := g.get("http://x.example/half-broken")
		require.NoError(t, err)
		statuses[a.StatusCode]++
	}
	assert.Equal(t, map[int]int{200: 10, 500: 10}, statuses, "the share of a backend that does not exist is answered 500")
}

func TestCertificatesAreChosenByListener(t *testing.T) {
	g := startRouting(t)
	g.await("the route", func() error { return g.from("one", "https://a.example/") })
	serial := func(name string) (string, error) {
		conn, err := tls.Dial("tcp", g.address("https"), &tls.Config{ServerName: name, InsecureSkipVerify: true}) //nolint:gosec // only the serial matters
		if err != nil {
			return "", err
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].SerialNumber.String(), nil
	}
	exact, err := serial("a.example")
	require.NoError(t, err)
	assert.Equal(t, g.certificate.Serial.String(), exact)
	wildcard, err := serial("b.example")
	require.NoError(t, err)
	assert.NotEqual(t, exact, wildcard)
	_, err = serial("a.other")
	assert.ErrorContains(t, err, "unrecognized name", "no listener has the name")
}

func TestClientsCannotForgeWhatTheGatewaySays(t *testing.T) {
	g := startRouting(t)
	g.await("the route", func() error { return g.from("one", "http://x.example/") })
	a, err := g.get("https://a.example/", withHeader("X-Gateway-Route", "forged"), withHeader("X-Gateway-Listener", "forged"),
		withHeader("X-Gateway-Other", "forged"), withHeader("X-Forwarded-For", "1.2.3.4"), withHeader("X-Forwarded-Proto", "gopher"))
	require.NoError(t, err)
	assert.Equal(t, []string{"default/main"}, a.seen.Headers["X-Gateway-Route"])
	assert.Equal(t, []string{"https-" + port(g.https)}, a.seen.Headers["X-Gateway-Listener"])
	assert.NotContains(t, a.seen.Headers, "X-Gateway-Other")
	assert.Equal(t, []string{"127.0.0.1"}, a.seen.Headers["X-Forwarded-For"], "nobody in front is trusted")
	assert.Equal(t, []string{"https"}, a.seen.Headers["X-Forwarded-Proto"])
	assert.Equal(t, []string{"a.example"}, a.seen.Headers["X-Forwarded-Host"])
}

func port(n int) string { return strconv.Itoa(n) }
