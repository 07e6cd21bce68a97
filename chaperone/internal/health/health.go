// Package health answers what Kubernetes and Prometheus ask on the plain port: whether chaperone lives,
// whether the pod can take requests, and its metrics.
package health

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// Checks are what the answers are made of.
type Checks struct {
	// Responsive says whether the loop that supervises varnishd goes round. Where it does not, the
	// kubelet is to start the container again.
	Responsive func() bool
	// Missing names what must still happen until the pod is ready; it is ready where there is nothing.
	Missing func() []string
	// Metrics answers scrapes.
	Metrics http.Handler
}

// Handler answers /healthz, /readyz and /metrics; probes with 200 or 503 and a text that says why.
func Handler(checks Checks) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+gatewaypod.LivenessPath, func(w http.ResponseWriter, _ *http.Request) {
		if !checks.Responsive() {
			answer(w, http.StatusServiceUnavailable, "varnishd's supervision does not respond")
			return
		}
		answer(w, http.StatusOK, "ok")
	})
	mux.HandleFunc("GET "+gatewaypod.ReadinessPath, func(w http.ResponseWriter, _ *http.Request) {
		if missing := checks.Missing(); len(missing) > 0 {
			answer(w, http.StatusServiceUnavailable, "not ready, missing:\n"+strings.Join(missing, "\n"))
			return
		}
		answer(w, http.StatusOK, "ready")
	})
	mux.Handle("GET "+gatewaypod.MetricsPath, checks.Metrics)
	return mux
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text)
}
