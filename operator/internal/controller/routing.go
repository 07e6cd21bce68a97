package controller

import (
	"context"
	"errors"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/status"
)

// routingReconciler writes the routing.json of Gateways with its shards, and how many routes are attached to each
// listener. It has a queue of its own: what is published must not wait until thousands of routes have their status.
type routingReconciler struct {
	writer   apply.Writer
	statuses statusWriter
	contents *gather.Contents
	shards   *shards
	current  *current
	states   states
	former   *former
	inboxes  *inboxes
	log      *zap.Logger
	// controller is the name by which classes say that they are ours.
	controller gatewayv1.GatewayController
}

// Reconcile implements reconcile.TypedReconciler.
func (r *routingReconciler) Reconcile(ctx context.Context, request routingRequest) (reconcile.Result, error) {
	snapshot := r.current.Load()
	if snapshot == nil {
		return reconcile.Result{}, nil
	}
	g := snapshot.Gateways[request.key]
	if g == nil {
		r.states.Forget(request.key)
		return reconcile.Result{}, nil
	}
	var err error
	if request.output == routingOf {
		err = r.publish(ctx, request.key, g)
	}
	return again(errors.Join(err, r.attachedRoutes(ctx, request.key, g)))
}

// attachedRoutes merges the numbers of attached routes into the Gateway's status.
func (r *routingReconciler) attachedRoutes(ctx context.Context, key types.NamespacedName, g *Gateway) error {
	return r.statuses.gateway(ctx, key, g.Object.UID, func(now gatewayv1.GatewayStatus) (gatewayv1.GatewayStatus, bool) {
		return status.AttachedRoutes(now, g.Report)
	})
}
