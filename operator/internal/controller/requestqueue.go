package controller

import (
	"context"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// requestQueue takes requests for a controller. Before the controller runs they are dropped: the first translation asks for
// everything.
type requestQueue[request comparable] struct {
	ready chan struct{}
	queue workqueue.TypedRateLimitingInterface[request]
}

func newRequestQueue[request comparable]() *requestQueue[request] {
	return &requestQueue[request]{ready: make(chan struct{})}
}

// source connects the queue to its controller.
func (q *requestQueue[request]) source() source.TypedSource[request] {
	return source.TypedFunc[request](func(_ context.Context, queue workqueue.TypedRateLimitingInterface[request]) error {
		q.queue = queue
		close(q.ready)
		return nil
	})
}

func (q *requestQueue[request]) add(requests ...request) {
	select {
	case <-q.ready:
		for _, each := range requests {
			q.queue.Add(each)
		}
	default:
	}
}
