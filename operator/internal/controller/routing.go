package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/status"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// routingReconciler writes the routing.json of Gateways with its shards, and how many routes are attached to each
// listener. It has a queue of its own: what is published must not wait until thousands of routes have their status.
type routingReconciler struct {
	cache    client.Reader
	writer   apply.Writer
	statuses statusWriter
	contents *gather.Contents
	shards   *shards
	current  *current
	states   states
	former   *former
	queues   *queues
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
	var wait time.Duration
	var err error
	if request.output == routingOf {
		if wait, err = r.awaitAccess(ctx, g); wait == 0 && err == nil {
			err = r.publish(ctx, request.key, g)
		}
	}
	result, err := again(errors.Join(err, r.attachedRoutes(ctx, request.key, g)))
	if err == nil && wait > 0 {
		result.RequeueAfter = wait
	}
	return result, err
}

// awaitAccess tells how long the routing waits yet until the pods may read the EndpointSlices of the namespaces that it refers to: pods
// that do not know the endpoints of a service answer 503. The Gateway reconciler grants that, and tells us.
func (r *routingReconciler) awaitAccess(ctx context.Context, g *Gateway) (time.Duration, error) {
	w := workload.Gateway{Object: g.Object, Controller: r.controller}
	return r.states.of(g.Object).AwaitsAccess(routedNamespaces(g), func(namespace string) (bool, error) {
		_, binding := w.EndpointsAccess(namespace)
		live := &rbacv1.RoleBinding{}
		if err := r.cache.Get(ctx, client.ObjectKeyFromObject(binding), live); err != nil {
			if client.IgnoreNotFound(err) == nil {
				return false, nil
			}
			return false, fmt.Errorf("look up RoleBinding %s: %w", client.ObjectKeyFromObject(binding), err)
		}
		return w.Owns(live), nil
	})
}

// attachedRoutes merges the numbers of attached routes into the Gateway's status.
func (r *routingReconciler) attachedRoutes(ctx context.Context, key types.NamespacedName, g *Gateway) error {
	attached := map[string]int32{}
	for _, l := range g.Report.Listeners {
		attached[l.Name] = l.AttachedRoutes
	}
	return r.statuses.gateway(ctx, key, g.Object.UID, attached, func(now gatewayv1.GatewayStatus) (gatewayv1.GatewayStatus, bool) {
		return status.AttachedRoutes(now, g.Report)
	})
}
