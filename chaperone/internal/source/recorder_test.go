package source

import (
	"maps"
	"slices"
	"sync"
	"testing"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
)

// recorder is a Sink that keeps the latest of everything.
type recorder struct {
	mu      sync.Mutex
	config  Config
	configs int
	pairs   Pairs
	slices  map[string]*discoveryv1.EndpointSlice
	synced  map[string]bool
	denied  map[string]bool
	reports map[string]string
}

func newRecorder() *recorder {
	return &recorder{slices: map[string]*discoveryv1.EndpointSlice{}, synced: map[string]bool{}, denied: map[string]bool{}, reports: map[string]string{}}
}

func (r *recorder) locked(change func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change()
}

func (r *recorder) SetConfig(c Config) { r.locked(func() { r.config = c; r.configs++ }) }
func (r *recorder) SetPairs(p Pairs)   { r.locked(func() { r.pairs = p }) }
func (r *recorder) SetSlice(s *discoveryv1.EndpointSlice) {
	r.locked(func() { r.slices[s.Namespace+"/"+s.Name] = s })
}
func (r *recorder) DeleteSlice(namespace, name string) {
	r.locked(func() { delete(r.slices, namespace+"/"+name) })
}
func (r *recorder) SetSynced(namespace string) { r.locked(func() { r.synced[namespace] = true }) }
func (r *recorder) SetDenied(namespace string) { r.locked(func() { r.denied[namespace] = true }) }
func (r *recorder) ForgetNamespace(namespace string) {
	r.locked(func() { delete(r.synced, namespace) })
}
func (r *recorder) Report(place, message string) {
	r.locked(func() {
		delete(r.reports, place)
		if message != "" {
			r.reports[place] = message
		}
	})
}

func (r *recorder) names() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Sorted(maps.Keys(r.slices))
}

// eventually waits until the recorder holds what a test waits for.
func (r *recorder) eventually(t *testing.T, what string, condition func(*recorder) bool) {
	t.Helper()
	varnishtest.Eventually(t, what, func() bool {
		r.mu.Lock()
		defer r.mu.Unlock()
		return condition(r)
	})
}
