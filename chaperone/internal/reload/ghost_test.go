package reload

import (
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// reply is one of ghost's answers; the last of a list is given again and again.
type reply struct {
	status int
	body   string
}

// startGhost answers at a unix socket, and tells the method and path of each question.
func startGhost(t *testing.T, replies ...reply) (path string, asked <-chan string) {
	t.Helper()
	path = filepath.Join(varnishtest.Dir(t), "ghost.sock")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	questions := make(chan string, 64)
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(replies[0].status)
		_, _ = w.Write([]byte(replies[0].body))
		if len(replies) > 1 {
			replies = replies[1:]
		}
		questions <- r.Method + " " + r.URL.Path
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	return path, questions
}

func TestHTTPGhost(t *testing.T) {
	const taken = `{"sequence":7,"diagnostics":[]}`
	tests := map[string]struct {
		replies  []reply
		result   ghostconf.ReloadResult
		accepted bool
		problem  string
		asked    int
	}{
		"ghost takes it":                             {replies: []reply{{200, taken}}, result: ghostconf.ReloadResult{Sequence: 7, Diagnostics: []ghostconf.Diagnostic{}}, accepted: true, asked: 1},
		"ghost refuses it":                           {replies: []reply{{422, `{"sequence":6,"error":"a flaw","diagnostics":[]}`}}, result: ghostconf.ReloadResult{Sequence: 6, Error: "a flaw", Diagnostics: []ghostconf.Diagnostic{}}, asked: 1},
		"varnishd has trouble that passes":           {replies: []reply{{503, ""}, {503, ""}, {200, taken}}, result: ghostconf.ReloadResult{Sequence: 7, Diagnostics: []ghostconf.Diagnostic{}}, accepted: true, asked: 3},
		"varnishd has trouble that stays":            {replies: []reply{{503, ""}}, problem: "asking ghost to reload: status 503", asked: 4},
		"another VCL answers":                        {replies: []reply{{404, "no"}}, problem: "asking ghost to reload: status 404", asked: 1},
		"what is not ghost's answer says nothing":    {replies: []reply{{200, "<html>"}}, problem: "reload", asked: 1},
		"neither does a refusal that is not ghost's": {replies: []reply{{422, "<html>"}}, problem: "reload", asked: 1},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			path, asked := startGhost(t, test.replies...)
			result, accepted, err := NewHTTPGhost(path, varnishtest.Deadline).Reload(t.Context())
			if test.problem != "" {
				require.ErrorContains(t, err, test.problem)
			} else {
				require.NoError(t, err)
				assert.Equal(t, test.result, result)
				assert.Equal(t, test.accepted, accepted)
			}
			assert.Len(t, asked, test.asked)
			assert.Equal(t, "POST /.varnish-ghost/reload", <-asked)
		})
	}
}

func TestAGhostThatIsNotThereCannotBeAsked(t *testing.T) {
	ghost := NewHTTPGhost(filepath.Join(t.TempDir(), "none"), time.Minute)
	_, _, err := ghost.Reload(t.Context())
	require.ErrorContains(t, err, "asking ghost to reload")
	require.ErrorContains(t, ghost.Drain(t.Context()), "asking ghost to drain")
}

func TestAGhostThatDoesNotAnswerInTimeIsNotAskedMore(t *testing.T) {
	path := filepath.Join(varnishtest.Dir(t), "ghost.sock")
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	var asked atomic.Int64
	release := make(chan struct{})
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked.Add(1)
		<-release
	}))
	server.Listener.Close()
	server.Listener = listener
	server.Start()
	t.Cleanup(server.Close)
	t.Cleanup(func() { close(release) })
	_, _, err = NewHTTPGhost(path, 20*time.Millisecond).Reload(t.Context())
	require.ErrorContains(t, err, "asking ghost to reload")
	assert.EqualValues(t, 1, asked.Load())
}

func TestDrainingGhost(t *testing.T) {
	path, asked := startGhost(t, reply{200, ""}, reply{404, ""})
	ghost := NewHTTPGhost(path, varnishtest.Deadline)
	require.NoError(t, ghost.Drain(t.Context()))
	assert.Equal(t, "POST /.varnish-ghost/drain", <-asked)
	require.ErrorContains(t, ghost.Drain(t.Context()), "asking ghost to drain: status 404")
}

func TestWhatTheCacheHasDone(t *testing.T) {
	path, asked := startGhost(t, reply{200, `{"rules":[{"route":"shop/web","rule":"assets","hits":7,"later":1}]}`}, reply{404, ""}, reply{200, "<html>"})
	ghost := NewHTTPGhost(path, varnishtest.Deadline)
	statistics, err := ghost.CacheStatistics(t.Context())
	require.NoError(t, err)
	assert.Equal(t, []ghostconf.RuleStatistics{{Route: "shop/web", Rule: "assets", Hits: 7}}, statistics.Rules)
	assert.Equal(t, "GET /.varnish-ghost/cache", <-asked)
	_, err = ghost.CacheStatistics(t.Context())
	require.ErrorContains(t, err, "asking ghost for the cache's statistics: status 404")
	_, err = ghost.CacheStatistics(t.Context())
	require.ErrorContains(t, err, "parse ghost's statistics of the cache")
}
