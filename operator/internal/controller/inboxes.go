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

// inboxes of all reconcilers.
type inboxes struct {
	classes, gateways *inbox[reconcile.Request]
	routings          *inbox[routingRequest]
	// statuses of the kinds whose objects are attached to others, by the name of the kind.
	statuses map[string]*inbox[reconcile.Request]
}

func newInboxes() *inboxes {
	all := &inboxes{
		classes: newInbox[reconcile.Request](), gateways: newInbox[reconcile.Request](), routings: newInbox[routingRequest](),
		statuses: map[string]*inbox[reconcile.Request]{},
	}
	for _, kind := range inputs.AttachedKinds() {
		all.statuses[kind.Name] = newInbox[reconcile.Request]()
	}
	return all
}

// await returns when all reconcilers take requests.
func (i *inboxes) await(ctx context.Context) error {
	all := []chan struct{}{i.classes.ready, i.gateways.ready, i.routings.ready}
	for _, statuses := range i.statuses {
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

// status asks for the status of an object that is attached to others.
func (i *inboxes) status(kind string) func(types.NamespacedName) {
	statuses := i.statuses[kind]
	return func(key types.NamespacedName) { statuses.add(reconcile.Request{NamespacedName: key}) }
}
