package controller

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/status"
)

// attachedReconciler writes the status of the objects of a kind that are attached to others.
type attachedReconciler struct {
	kind       *inputs.Kind
	statuses   statusWriter
	current    *current
	installed  gather.Installed
	controller gatewayv1.GatewayController
}

// Reconcile implements reconcile.Reconciler. Of an object that is not ours, entries that we once
// wrote go.
func (r *attachedReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	snapshot := r.current.Load()
	version := r.installed.Version(r.kind)
	if snapshot == nil || version == nil {
		return reconcile.Result{}, nil
	}
	reported, ours := snapshot.Attached[attachedKey{r.kind.Name, request.NamespacedName}]
	return again(r.statuses.write(ctx, r.kind.Name, request.NamespacedName, reported,
		func() client.Object { return version.New() },
		func(object client.Object) bool {
			if !ours {
				reported = report.Attached{Object: report.ObjectOf(object)}
			}
			// One that was changed or made anew meanwhile is about to be translated again.
			if object.GetUID() != reported.UID || object.GetGeneration() != reported.Generation {
				return false
			}
			return status.Attached(r.kind.Attached, object, reported, r.controller, metav1.Now())
		}))
}
