package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// Limits that docs/reference/limits.md promises.
const (
	maxHead   = 60 << 10
	maxFields = 100
)

// withFields makes a request of so many fields, besides Host.
func withFields(n int) option {
	return func(r *http.Request, t *http.Transport) {
		// Without "Connection: close".
		t.DisableKeepAlives, t.MaxIdleConnsPerHost = false, -1
		r.Header.Set("User-Agent", "test")
		for i := range n - 1 {
			r.Header.Set(fmt.Sprintf("X-Field-%d", i), "value")
		}
	}
}

// cookies are a browser's; HTTP/2 sends each of them as a field of its own (RFC 9113 section 8.2.3).
func cookies(n, size int) string {
	jar := make([]string, n)
	for i := range jar {
		jar[i] = fmt.Sprintf("name%03d=%s", i, strings.Repeat("v", size-len("name000=")))
	}
	return strings.Join(jar, "; ")
}

// TestARequestMayBeAsLargeAsElsewhere holds the gateway to the limits that other gateways have: what is within them reaches the
// service, and what is beyond is answered (RFC 6585 section 5, RFC 9110 section 15.5.15), whatever the way to the gateway.
func TestARequestMayBeAsLargeAsElsewhere(t *testing.T) {
	backend := startBackend(t, "one")
	g := startGateway(t, simpleFiles(backend.port))
	g.await("the route", func() error { return g.from("one", "http://a.example/") })
	ways := map[string]struct {
		scheme    string
		protocols func(*http.Protocols)
	}{
		"HTTP/1.1":          {"http", func(p *http.Protocols) { p.SetHTTP1(true) }},
		"HTTP/1.1 over TLS": {"https", func(p *http.Protocols) { p.SetHTTP1(true) }},
		"HTTP/2":            {"http", func(p *http.Protocols) { p.SetUnencryptedHTTP2(true) }},
		"HTTP/2 over TLS":   {"https", func(p *http.Protocols) { p.SetHTTP2(true) }},
	}
	cases := map[string]struct {
		target string
		option option
		status int
	}{
		"as many fields as there may be":       {"/", withFields(maxFields), http.StatusOK},
		"one field more":                       {"/", withFields(maxFields + 1), http.StatusRequestHeaderFieldsTooLarge},
		"a hundred cookies":                    {"/", withHeader("Cookie", cookies(100, 40)), http.StatusOK},
		"a cookie of 16 KiB":                   {"/", withHeader("Cookie", cookies(1, 16<<10)), http.StatusOK},
		"a hundred cookies that fill the head": {"/", withHeader("Cookie", cookies(100, 600)), http.StatusOK},
		"a field that nearly fills the head":   {"/", withHeader("X-Long", strings.Repeat("v", maxHead-500)), http.StatusOK},
		"a field of 60 KiB":                    {"/", withHeader("X-Long", strings.Repeat("v", maxHead)), http.StatusRequestHeaderFieldsTooLarge},
		"a long target":                        {"/" + strings.Repeat("a", maxHead-500), withMethod("GET"), http.StatusOK},
		"a target of more than 60 KiB":         {"/" + strings.Repeat("a", maxHead), withMethod("GET"), http.StatusRequestURITooLong},
	}
	for way, w := range ways {
		for name, c := range cases {
			t.Run(way+"/"+name, func(t *testing.T) {
				a, err := g.get(w.scheme+"://a.example"+c.target, c.option, withProtocols(w.protocols))
				require.NoError(t, err)
				assert.Equal(t, c.status, a.StatusCode)
				if c.status == http.StatusOK {
					assert.Equal(t, "one", a.seen.Service)
				}
			})
		}
	}
}
