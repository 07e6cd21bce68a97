package controller

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/status"
)

// classReconciler writes the status of GatewayClasses.
type classReconciler struct {
	cache    client.Reader
	statuses statusWriter
	current  *current
	queues   *queues
}

// Reconcile implements reconcile.Reconciler.
func (r *classReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	snapshot := r.current.Load()
	if snapshot == nil {
		return reconcile.Result{}, nil
	}
	reported, ours := snapshot.Classes[request.Name]
	if !ours {
		return reconcile.Result{}, r.release(ctx, request.Name)
	}
	return again(r.statuses.write(ctx, "GatewayClass", request.NamespacedName, reported,
		func() client.Object { return &gatewayv1.GatewayClass{} },
		func(object client.Object) bool {
			class := object.(*gatewayv1.GatewayClass)
			merged, changed := status.GatewayClass(class.Status, reported, metav1.Now())
			class.Status = merged
			return changed
		}))
}

// release asks for the Gateways of a class that is not ours: they may have been while it was.
func (r *classReconciler) release(ctx context.Context, class string) error {
	var gateways gatewayv1.GatewayList
	if err := r.cache.List(ctx, &gateways, client.UnsafeDisableDeepCopy); err != nil {
		return fmt.Errorf("list the Gateways of GatewayClass %s: %w", class, err)
	}
	for i := range gateways.Items {
		if string(gateways.Items[i].Spec.GatewayClassName) == class {
			r.queues.objects(client.ObjectKeyFromObject(&gateways.Items[i]))
		}
	}
	return nil
}
