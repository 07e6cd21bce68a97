package controller

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

// retryPause is how long a gathering that failed rests.
const retryPause = time.Second

// translator keeps the snapshot current, and tells the reconcilers what it changes.
type translator struct {
	cache    client.Reader
	gatherer *gather.Gatherer
	// translations remembers what the next one need not look at again.
	translations translate.Translator
	changed      signal
	current      *current
	inboxes      *inboxes
	log          *zap.Logger
}

// Start implements manager.Runnable. Only the leader translates.
func (t *translator) Start(ctx context.Context) error {
	if err := t.inboxes.await(ctx); err != nil {
		return nil
	}
	if err := t.everything(ctx); err != nil {
		return err
	}
	for {
		last := time.Now()
		if err := t.changed.await(ctx, last); err != nil {
			return nil
		}
		if err := t.translate(ctx); err != nil && ctx.Err() == nil {
			t.log.Error("gathering failed and will be tried again", zap.Error(err))
			time.AfterFunc(retryPause, t.changed.raise)
		}
	}
}

// everything asks the reconcilers for every object that is there, also for those that are ours no more.
func (t *translator) everything(ctx context.Context) error {
	t.changed.raise()
	var gateways gatewayv1.GatewayList
	var routes gatewayv1.HTTPRouteList
	for _, list := range []client.ObjectList{&gateways, &routes} {
		if err := t.cache.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return fmt.Errorf("list %T: %w", list, err)
		}
	}
	if err := t.translate(ctx); err != nil {
		t.log.Error("gathering failed and will be tried again", zap.Error(err))
		return nil
	}
	for i := range gateways.Items {
		t.inboxes.gateway(client.ObjectKeyFromObject(&gateways.Items[i]))
	}
	for i := range routes.Items {
		t.inboxes.route(client.ObjectKeyFromObject(&routes.Items[i]))
	}
	return nil
}

func (t *translator) translate(ctx context.Context) error {
	started := time.Now()
	in, err := t.gatherer.Gather(ctx)
	if err != nil {
		return err
	}
	next := snapshotOf(in, t.translations.Translate(in))
	changes := next.since(t.current.Load())
	t.current.Store(next)
	translationSeconds.Observe(time.Since(started).Seconds())
	for _, class := range changes.classes {
		t.inboxes.class(class)
	}
	for _, gateway := range changes.gateways {
		t.inboxes.gateway(gateway)
	}
	for _, route := range changes.routes {
		t.inboxes.route(route)
	}
	return nil
}

// routeRequest asks the HTTPRoute reconciler for one of its outputs.
type routeRequest struct {
	// Gateway whose routing.json is asked for; or else the status of Route is.
	Gateway, Route types.NamespacedName
}

// inboxes of all reconcilers.
type inboxes struct {
	classes, gateways *inbox[reconcile.Request]
	routes            *inbox[routeRequest]
}

func newInboxes() *inboxes {
	return &inboxes{
		classes: newInbox[reconcile.Request](), gateways: newInbox[reconcile.Request](), routes: newInbox[routeRequest](),
	}
}

// await returns when all reconcilers take requests.
func (i *inboxes) await(ctx context.Context) error {
	for _, ready := range []chan struct{}{i.classes.ready, i.gateways.ready, i.routes.ready} {
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
func (i *inboxes) routing(key types.NamespacedName) { i.routes.add(routeRequest{Gateway: key}) }

// route asks for the status of a route.
func (i *inboxes) route(key types.NamespacedName) { i.routes.add(routeRequest{Route: key}) }
