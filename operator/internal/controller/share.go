package controller

import (
	"context"
	"sync"

	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

// share lets the requests of one namespace have no more than a part of a controller's workers.
// Where the API server takes long for what is written there, as with an admission webhook that is
// slow or away, the others have the rest.
type share[request comparable] struct {
	next        reconcile.TypedReconciler[request]
	namespaceOf func(request) string
	// limit is how many requests of a namespace are worked on at once.
	limit int
	// again takes a request that had to wait.
	again func(...request)

	mu    sync.Mutex
	lanes map[string]*lane[request]
}

// lane is a namespace of which requests are worked on.
type lane[request comparable] struct {
	busy int
	// waiting requests in their order, each once.
	waiting []request
	known   map[request]bool
}

// Reconcile implements reconcile.TypedReconciler. A request that must wait is done with for now,
// and asked for again.
func (s *share[request]) Reconcile(ctx context.Context, r request) (reconcile.Result, error) {
	namespace := s.namespaceOf(r)
	if !s.begin(namespace, r) {
		return reconcile.Result{}, nil
	}
	defer s.end(namespace)
	return s.next.Reconcile(ctx, r)
}

// begin tells whether there is a worker for the request; it is remembered where there is none.
func (s *share[request]) begin(namespace string, r request) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lanes == nil {
		s.lanes = map[string]*lane[request]{}
	}
	l := s.lanes[namespace]
	if l == nil {
		l = &lane[request]{known: map[request]bool{}}
		s.lanes[namespace] = l
	}
	if l.busy < s.limit {
		l.busy++
		return true
	}
	if !l.known[r] {
		l.known[r] = true
		l.waiting = append(l.waiting, r)
	}
	return false
}

// end asks for the request that has waited longest.
func (s *share[request]) end(namespace string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[namespace]
	l.busy--
	if len(l.waiting) > 0 {
		first := l.waiting[0]
		l.waiting = l.waiting[1:]
		delete(l.known, first)
		s.again(first)
	} else if l.busy == 0 {
		delete(s.lanes, namespace)
	}
}
