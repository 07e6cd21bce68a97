package e2e

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/recorder"
)

// adminRules keep /admin from clients: it is sent to another page. The rest goes to the service.
const adminRules = `  - matches: [{path: {value: /admin}}]
    filters: [{type: RequestRedirect, requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: /login}}}]
  - backendRefs: [{name: one, port: 80}]`

// TestNoTargetSlipsPastARule asks for a path that a rule keeps back, in each form that a server may take for the same path.
func TestNoTargetSlipsPastARule(t *testing.T) {
	backend := startRecorder(t, nil)
	files := simpleFiles(backend.Port())
	files["route.yaml"] = route("main", "", adminRules)
	g := startGateway(t, files)
	g.await("the route", func() error { return g.answers("http://a.example/", http.StatusOK) })
	_, err := backend.Take()
	require.NoError(t, err)
	for sentence, c := range map[string]struct{ target, status string }{
		"the path itself":                    {"/admin", "302"},
		"with a query":                       {"/admin?x", "302"},
		"with an escape":                     {"/%61dmin", "302"},
		"behind a dot segment":               {"/x/../admin", "302"},
		"with a fragment":                    {"/admin#x", "400"},
		"with an empty fragment":             {"/admin#", "400"},
		"with a fragment of dot segments":    {"/admin#/../public", "400"},
		"with a fragment, in absolute-form":  {"http://a.example/admin#x", "400"},
		"with a fragment behind a query":     {"/admin?x#y", "400"},
		"with a fragment before a query":     {"/admin#?x", "400"},
		"with a fragment that is an escape":  {"/admin%23x", "200"}, // another path, whatever the service makes of it
		"a path that only begins like it is": {"/administrator", "200"},
	} {
		for _, scheme := range []string{"http", "https"} {
			t.Run(scheme+"/"+sentence, func(t *testing.T) {
				answers := g.exchange(scheme, "GET "+c.target+" HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n")
				assert.Equal(t, c.status, statuses(answers))
				arrivesWhere(t, c.status == "200", backend)
			})
			t.Run("HTTP/2 on "+scheme+"/"+sentence, func(t *testing.T) {
				if c.target[0] != '/' {
					return // HTTP/2 has no absolute-form
				}
				stream := g.exchangeHTTP2(scheme, withPseudo(":path", c.target))
				assert.Equal(t, c.status, stream.status)
				arrivesWhere(t, c.status == "200", backend)
			})
		}
	}
}

// TestFormsOfRequests are those of RFC 9112 section 3.2 and RFC 9110 section 9.3.7 that are not like the others.
func TestFormsOfRequests(t *testing.T) {
	g, backend := startRecorded(t, nil)
	for sentence, c := range map[string]struct {
		message, status string
		arrives         bool
	}{
		"OPTIONS of the whole server":                      {"OPTIONS * HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", "200", true},
		"HTTP/1.1 without Host, whatever the target":       {"GET http://a.example/ HTTP/1.1\r\nConnection: close\r\n\r\n", "400", false},
		"HTTP/1.1 without Host":                            {"GET / HTTP/1.1\r\nConnection: close\r\n\r\n", "400", false},
		"HTTP/1.0 without Host, as health checks send it":  {"GET / HTTP/1.0\r\n\r\n", "200", true},
		"HTTP/1.0 in absolute-form without Host":           {"GET http://a.example/ HTTP/1.0\r\n\r\n", "200", true},
		"absolute-form, whose host counts":                 {"GET http://a.example/ HTTP/1.1\r\nHost: b.example\r\nConnection: close\r\n\r\n", "200", true},
		"an asterisk for another method than OPTIONS":      {"GET * HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", "400", false},
		"a target that is neither path, URL nor authority": {"GET x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", "400", false},
	} {
		t.Run(sentence, func(t *testing.T) {
			assert.Equal(t, c.status, statuses(g.exchange("http", c.message)))
			if !c.arrives {
				requests, err := backend.Take()
				require.NoError(t, err)
				assert.Empty(t, requests)
				return
			}
			_, err := backend.Take()
			require.NoError(t, err)
		})
	}
}

// arrivesWhere checks that the backend got a request, or that it got none.
func arrivesWhere(t *testing.T, expected bool, backend *recorder.Recorder) {
	t.Helper()
	requests, err := backend.Take()
	require.NoError(t, err)
	assert.Equal(t, expected, len(requests) == 1, "%q arrived", inShort(requests))
}
