package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// output of the routing reconciler.
type output int

const (
	// routingOf a Gateway is its routing.json with its shards, and how many routes are attached.
	routingOf output = iota
	// attachedTo a Gateway is how many routes are attached to its listeners.
	attachedTo
)

// routingRequest asks the routing reconciler for one of its outputs of a Gateway.
type routingRequest struct {
	output output
	key    types.NamespacedName
}

// queues of all reconcilers.
type queues struct {
	classes, gateways *requestQueue[reconcile.Request]
	routings          *requestQueue[routingRequest]
	invalidations     *requestQueue[reconcile.Request]
	// statuses of the kinds whose objects are attached to others, by the name of the kind.
	statuses map[string]*requestQueue[reconcile.Request]
}

func newQueues() *queues {
	all := &queues{
		classes: newRequestQueue[reconcile.Request](), gateways: newRequestQueue[reconcile.Request](), routings: newRequestQueue[routingRequest](),
		invalidations: newRequestQueue[reconcile.Request](),
		statuses:      map[string]*requestQueue[reconcile.Request]{},
	}
	for _, kind := range inputs.AttachedKinds() {
		all.statuses[kind.Name] = newRequestQueue[reconcile.Request]()
	}
	return all
}

// await returns when all reconcilers take requests.
func (q *queues) await(ctx context.Context) error {
	all := []chan struct{}{q.classes.ready, q.gateways.ready, q.routings.ready, q.invalidations.ready}
	for _, statuses := range q.statuses {
		all = append(all, statuses.ready)
	}
	for _, ready := range all {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ready:
		}
	}
	return nil
}

func (q *queues) class(name string) {
	q.classes.add(reconcile.Request{NamespacedName: types.NamespacedName{Name: name}})
}

// gateway asks for both halves of a Gateway.
func (q *queues) gateway(key types.NamespacedName) {
	q.gateways.add(reconcile.Request{NamespacedName: key})
	q.routing(key)
}

// objects asks for the half of a Gateway that is not its routing.
func (q *queues) objects(key types.NamespacedName) {
	q.gateways.add(reconcile.Request{NamespacedName: key})
}

// routing asks for a Gateway's routing.json.
func (q *queues) routing(key types.NamespacedName) { q.routings.add(routingRequest{routingOf, key}) }

// attached asks for how many routes are attached to a Gateway's listeners.
func (q *queues) attached(key types.NamespacedName) { q.routings.add(routingRequest{attachedTo, key}) }

// invalidation asks for a VarnishCacheInvalidation.
func (q *queues) invalidation(key types.NamespacedName) {
	q.invalidations.add(reconcile.Request{NamespacedName: key})
}

// status asks for the status of an object that is attached to others.
func (q *queues) status(kind string) func(types.NamespacedName) {
	statuses := q.statuses[kind]
	return func(key types.NamespacedName) { statuses.add(reconcile.Request{NamespacedName: key}) }
}
