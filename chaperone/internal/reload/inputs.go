package reload

import (
	"sync"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/shared/endpoints"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/kubernetes"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Inputs gather what a source finds until it is taken. It is a source.Sink.
type Inputs struct {
	mu        sync.Mutex
	config    *source.Config
	pairs     *source.Pairs
	endpoints *endpoints.Table
	// moved says that endpoints have changed.
	moved bool
	// synced are the namespaces of which every EndpointSlice is known, denied those that cannot be looked into.
	synced, denied map[string]bool
	reports        map[string]string
	changed        chan struct{}
}

// NewInputs is empty.
func NewInputs() *Inputs {
	return &Inputs{endpoints: endpoints.NewTable(), synced: map[string]bool{}, denied: map[string]bool{}, reports: map[string]string{}, changed: make(chan struct{}, 1)}
}

// taken is what has changed since the last time: nil for what has not.
type taken struct {
	config  *source.Config
	pairs   *source.Pairs
	moved   bool
	reports map[string]string
}

// SetConfig implements source.Sink.
func (i *Inputs) SetConfig(config source.Config) { i.change(func() { i.config = &config }) }

// SetPairs implements source.Sink.
func (i *Inputs) SetPairs(pairs source.Pairs) { i.change(func() { i.pairs = &pairs }) }

// SetSlice implements source.Sink.
func (i *Inputs) SetSlice(slice *discoveryv1.EndpointSlice) {
	i.change(func() { i.moved = len(i.endpoints.Set(kubernetes.EndpointSlice(slice))) > 0 || i.moved })
}

// DeleteSlice implements source.Sink.
func (i *Inputs) DeleteSlice(namespace, name string) {
	i.change(func() { i.moved = len(i.endpoints.Delete(namespace, name)) > 0 || i.moved })
}

// SetSynced implements source.Sink.
func (i *Inputs) SetSynced(namespace string) {
	i.change(func() {
		i.moved, i.synced[namespace] = true, true
		delete(i.denied, namespace)
	})
}

// SetDenied implements source.Sink.
func (i *Inputs) SetDenied(namespace string) {
	i.change(func() { i.denied[namespace] = true })
}

// ForgetNamespace implements source.Sink: slices that are deleted while nobody looks must not stay.
func (i *Inputs) ForgetNamespace(namespace string) {
	i.change(func() {
		delete(i.synced, namespace)
		delete(i.denied, namespace)
		i.endpoints.DeleteNamespace(namespace)
	})
}

// Report implements source.Sink.
func (i *Inputs) Report(place, message string) {
	i.mu.Lock()
	same := i.reports[place] == message
	i.mu.Unlock()
	if same {
		return
	}
	i.change(func() {
		if message == "" {
			delete(i.reports, place)
		} else {
			i.reports[place] = message
		}
	})
}

func (i *Inputs) change(change func()) {
	i.mu.Lock()
	change()
	i.mu.Unlock()
	select {
	case i.changed <- struct{}{}:
	default:
	}
}

// take gives what has changed, once.
func (i *Inputs) take() taken {
	i.mu.Lock()
	defer i.mu.Unlock()
	t := taken{config: i.config, pairs: i.pairs, moved: i.moved, reports: map[string]string{}}
	for place, message := range i.reports {
		t.reports[place] = message
	}
	i.config, i.pairs, i.moved = nil, nil, false
	return t
}

// isSynced says whether every EndpointSlice of a namespace is known.
func (i *Inputs) isSynced(namespace string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.synced[namespace] || i.synced[source.EveryNamespace]
}

// isAwaited says whether EndpointSlices of a namespace may still be told.
func (i *Inputs) isAwaited(namespace string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	return !i.synced[namespace] && !i.synced[source.EveryNamespace] && !i.denied[namespace]
}

// endpointsOf are the endpoints of a service now.
func (i *Inputs) endpointsOf(service routing.Service) []ghostconf.Endpoint {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.endpoints.Endpoints(endpoints.Service{Namespace: service.Namespace, Name: service.Name}, service.PortName)
}
