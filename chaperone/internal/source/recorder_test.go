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

func (r *recorder) Take(u Update) {
	r.locked(func() {
		if u.Config != nil {
			r.config = *u.Config
			r.configs++
		}
		if u.Pairs != nil {
			r.pairs = u.Pairs
		}
		for _, slice := range u.Slices {
			r.slices[slice.Namespace+"/"+slice.Name] = slice
		}
		for _, name := range u.Deleted {
			delete(r.slices, name.String())
		}
		for _, namespace := range u.Synced {
			r.synced[namespace] = true
		}
		for _, namespace := range u.Denied {
			r.denied[namespace] = true
		}
		for _, namespace := range u.Forgotten {
			delete(r.synced, namespace)
		}
		for place, message := range u.Reports {
			delete(r.reports, place)
			if message != "" {
				r.reports[place] = message
			}
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
