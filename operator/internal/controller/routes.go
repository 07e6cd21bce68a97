package controller

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/status"
)

// routeReconciler writes routing.json and its shards, the status of HTTPRoutes, and how many of them are attached
// to each listener.
type routeReconciler struct {
	cache      client.Reader
	live       client.Reader
	writer     apply.Writer
	statuses   statusWriter
	contents   *gather.Contents
	shards     *shards
	current    *current
	states     states
	inboxes    *inboxes
	controller gatewayv1.GatewayController
	log        *zap.Logger
}

// Reconcile implements reconcile.TypedReconciler.
func (r *routeReconciler) Reconcile(ctx context.Context, request routeRequest) (reconcile.Result, error) {
	snapshot := r.current.Load()
	if snapshot == nil {
		return reconcile.Result{}, nil
	}
	if request.output == statusOf {
		return reconcile.Result{}, r.status(ctx, request.key, snapshot)
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
func (r *routeReconciler) attachedRoutes(ctx context.Context, key types.NamespacedName, g *Gateway) error {
	return r.statuses.gateway(ctx, key, g.Object.UID, func(now gatewayv1.GatewayStatus) (gatewayv1.GatewayStatus, bool) {
		return status.AttachedRoutes(now, g.Report)
	})
}

// status merges the report of a route into its status. Of one that is not ours, entries that we once wrote go.
func (r *routeReconciler) status(ctx context.Context, key types.NamespacedName, snapshot *Snapshot) error {
	reported, ours := snapshot.Routes[key]
	err := r.statuses.write(ctx, "HTTPRoute", key, func() client.Object { return &gatewayv1.HTTPRoute{} }, func(object client.Object) bool {
		route := object.(*gatewayv1.HTTPRoute)
		if !ours {
			reported = HTTPRoute{UID: route.UID, HTTPRoute: report.HTTPRoute{Object: report.Object{
				Namespace: route.Namespace, Name: route.Name, Generation: route.Generation,
			}}}
		}
		// One that was changed or made anew meanwhile is about to be translated again.
		if route.UID != reported.UID || route.Generation != reported.Generation {
			return false
		}
		merged, changed := status.HTTPRoute(route.Status, reported.HTTPRoute, r.controller, metav1.Now())
		route.Status = merged
		return changed
	})
	if err != nil {
		return fmt.Errorf("tell of a route: %w", err)
	}
	return nil
}
