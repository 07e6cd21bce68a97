package controller

import (
	"context"

	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/source"
)

// inbox takes requests for a controller. Before the controller runs they are dropped: the first translation asks for
// everything.
type inbox[request comparable] struct {
	ready chan struct{}
	queue workqueue.TypedRateLimitingInterface[request]
}

func newInbox[request comparable]() *inbox[request] {
	return &inbox[request]{ready: make(chan struct{})}
}

// source connects the inbox to its controller.
func (i *inbox[request]) source() source.TypedSource[request] {
	return source.TypedFunc[request](func(_ context.Context, queue workqueue.TypedRateLimitingInterface[request]) error {
		i.queue = queue
		close(i.ready)
		return nil
	})
}

func (i *inbox[request]) add(requests ...request) {
	select {
	case <-i.ready:
		for _, each := range requests {
			i.queue.Add(each)
		}
	default:
	}
}
