package reload

import (
	"sync"

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

// Take implements source.Sink.
func (i *Inputs) Take(u source.Update) {
	if i.add(u) {
		select {
		case i.changed <- struct{}{}:
		default:
		}
	}
}

// add says whether there is anything new.
func (i *Inputs) add(u source.Update) (isNew bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if u.Config != nil {
		i.config, isNew = u.Config, true
	}
	if u.Pairs != nil {
		i.pairs, isNew = &u.Pairs, true
	}
	endpoints, reports := i.addEndpoints(u), i.addReports(u.Reports)
	return endpoints || reports || isNew
}

func (i *Inputs) addEndpoints(u source.Update) (isNew bool) {
	for _, slice := range u.Slices {
		i.moved = len(i.endpoints.Set(kubernetes.EndpointSlice(slice))) > 0 || i.moved
	}
	for _, name := range u.Deleted {
		i.moved = len(i.endpoints.Delete(name.Namespace, name.Name)) > 0 || i.moved
	}
	for _, namespace := range u.Synced {
		i.moved, i.synced[namespace] = true, true
		delete(i.denied, namespace)
	}
	for _, namespace := range u.Denied {
		i.denied[namespace] = true
	}
	for _, namespace := range u.Forgotten {
		// Slices that are deleted while nobody looks must not stay.
		delete(i.synced, namespace)
		delete(i.denied, namespace)
		i.endpoints.DeleteNamespace(namespace)
	}
	return len(u.Slices)+len(u.Deleted)+len(u.Synced)+len(u.Denied)+len(u.Forgotten) > 0
}

func (i *Inputs) addReports(reports map[string]string) (isNew bool) {
	for place, message := range reports {
		if i.reports[place] == message {
			continue
		}
		isNew = true
		if message == "" {
			delete(i.reports, place)
		} else {
			i.reports[place] = message
		}
	}
	return isNew
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
