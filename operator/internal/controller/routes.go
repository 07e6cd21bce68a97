package controller

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/status"
)

// routeReconciler writes the status of HTTPRoutes.
type routeReconciler struct {
	statuses   statusWriter
	current    *current
	controller gatewayv1.GatewayController
}

// Reconcile implements reconcile.Reconciler.
func (r *routeReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	snapshot := r.current.Load()
	if snapshot == nil {
		return reconcile.Result{}, nil
	}
	return reconcile.Result{}, r.status(ctx, request.NamespacedName, snapshot)
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
