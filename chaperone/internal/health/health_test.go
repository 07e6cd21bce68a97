package health

import (
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestHandler(t *testing.T) {
	scraped := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "metrics\n") })
	tests := map[string]struct {
		method, path string
		stuck        bool
		missing      []string
		status       int
		body         string
	}{
		"alive":                              {"GET", "/healthz", false, nil, 200, "ok\n"},
		"alive, though not ready":            {"GET", "/healthz", false, []string{"VCL active"}, 200, "ok\n"},
		"alive in name only":                 {"GET", "/healthz", true, nil, 503, "varnishd's supervision does not respond\n"},
		"ready":                              {"GET", "/readyz", false, nil, 200, "ready\n"},
		"not ready says what is missing":     {"GET", "/readyz", false, []string{"VCL active", "not stopping"}, 503, "not ready, missing:\nVCL active\nnot stopping\n"},
		"metrics":                            {"GET", "/metrics", false, nil, 200, "metrics\n"},
		"another path":                       {"GET", "/", false, nil, 404, "404 page not found\n"},
		"another method":                     {"POST", "/healthz", false, nil, 405, "Method Not Allowed\n"},
		"a HEAD request is a GET without it": {"HEAD", "/healthz", false, nil, 200, "ok\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			handler := Handler(Checks{
				Responsive: func() bool { return !test.stuck },
				Missing:    func() []string { return test.missing },
				Metrics:    scraped,
			})
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, httptest.NewRequest(test.method, test.path, nil))
			assert.Equal(t, test.status, recorder.Code)
			assert.Equal(t, test.body, recorder.Body.String())
		})
	}
}
