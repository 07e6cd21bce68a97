package controller

import (
	"context"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
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

// inboxes of all reconcilers.
type inboxes struct {
	classes, gateways, routes, policies *inbox[reconcile.Request]
	routings                            *inbox[routingRequest]
}

func newInboxes() *inboxes {
	return &inboxes{
		classes: newInbox[reconcile.Request](), gateways: newInbox[reconcile.Request](),
		routes: newInbox[reconcile.Request](), policies: newInbox[reconcile.Request](),
		routings: newInbox[routingRequest](),
	}
}

// await returns when all reconcilers take requests.
func (i *inboxes) await(ctx context.Context) error {
	for _, ready := range []chan struct{}{i.classes.ready, i.gateways.ready, i.routes.ready, i.policies.ready, i.routings.ready} {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ready:
		}
	}
	return nil
}

func (i *inboxes) class(name string) {
	i.classes.add(reconcile.Request{NamespacedName: types.NamespacedName{Name: name}})
}

// gateway asks for both halves of a Gateway.
func (i *inboxes) gateway(key types.NamespacedName) {
	i.gateways.add(reconcile.Request{NamespacedName: key})
	i.routing(key)
}

// objects asks for the half of a Gateway that is not its routing.
func (i *inboxes) objects(key types.NamespacedName) {
	i.gateways.add(reconcile.Request{NamespacedName: key})
}

// routing asks for a Gateway's routing.json.
func (i *inboxes) routing(key types.NamespacedName) { i.routings.add(routingRequest{routingOf, key}) }

// attached asks for how many routes are attached to a Gateway's listeners.
func (i *inboxes) attached(key types.NamespacedName) { i.routings.add(routingRequest{attachedTo, key}) }

// route asks for the status of a route.
func (i *inboxes) route(key types.NamespacedName) {
	i.routes.add(reconcile.Request{NamespacedName: key})
}

// policy asks for the status of a BackendTLSPolicy.
func (i *inboxes) policy(key types.NamespacedName) {
	i.policies.add(reconcile.Request{NamespacedName: key})
}
