package controller

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/status"
)

// policyReconciler writes the status of BackendTLSPolicies.
type policyReconciler struct {
	statuses   statusWriter
	current    *current
	installed  gather.Installed
	controller gatewayv1.GatewayController
}

// Reconcile implements reconcile.Reconciler. Of a policy that matters to no Gateway of ours,
// entries that we once wrote go.
func (r *policyReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	snapshot := r.current.Load()
	version := r.installed.Version(backendTLSPolicies)
	if snapshot == nil || version == nil {
		return reconcile.Result{}, nil
	}
	reported, ours := snapshot.Policies[request.NamespacedName]
	return reconcile.Result{}, r.statuses.write(ctx, "BackendTLSPolicy", request.NamespacedName,
		func() client.Object { return version.New() },
		func(object client.Object) bool {
			policy := inputs.Preferred(object).(*gatewayv1.BackendTLSPolicy)
			if !ours {
				reported = Policy{UID: policy.UID, Policy: report.Policy{Object: report.Object{
					Namespace: policy.Namespace, Name: policy.Name, Generation: policy.Generation,
				}}}
			}
			if policy.UID != reported.UID || policy.Generation != reported.Generation {
				return false
			}
			merged, changed := status.Policy(policy.Status, reported.Policy, r.controller, metav1.Now())
			policy.Status = merged
			return changed
		})
}

// backendTLSPolicies is the kind whose statuses are written here.
var backendTLSPolicies = inputs.KindOf(schema.GroupKind{Group: gatewayv1.GroupName, Kind: "BackendTLSPolicy"})
