package controller

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1alpha3 "sigs.k8s.io/gateway-api/apis/v1alpha3"

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

// Reconcile implements reconcile.Reconciler. Of a policy that matters to no Gateway of ours, entries that we once wrote go.
func (r *policyReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	snapshot := r.current.Load()
	if snapshot == nil || emptyBackendTLSPolicy(r.installed) == nil {
		return reconcile.Result{}, nil
	}
	reported, ours := snapshot.Policies[request.NamespacedName]
	return reconcile.Result{}, r.statuses.write(ctx, "BackendTLSPolicy", request.NamespacedName,
		func() client.Object { return emptyBackendTLSPolicy(r.installed) },
		func(object client.Object) bool {
			policy := backendTLSPolicy(object)
			if !ours {
				reported = report.Policy{Object: report.Object{
					Namespace: policy.Namespace, Name: policy.Name, Generation: policy.Generation,
				}}
			}
			if policy.Generation != reported.Generation {
				return false
			}
			merged, changed := status.Policy(policy.Status, reported, r.controller, metav1.Now())
			policy.Status = merged
			return changed
		})
}

// emptyBackendTLSPolicy is an object of the version in which BackendTLSPolicies are read; nil where they are not installed.
func emptyBackendTLSPolicy(installed gather.Installed) client.Object {
	switch installed.BackendTLSPolicies {
	case gatewayv1.GroupVersion.Version:
		return &gatewayv1.BackendTLSPolicy{}
	case gatewayv1alpha3.GroupVersion.Version:
		return &gatewayv1alpha3.BackendTLSPolicy{}
	}
	return nil
}

// backendTLSPolicy is the object itself, in whichever version it was read.
func backendTLSPolicy(object client.Object) *gatewayv1.BackendTLSPolicy {
	if older, ok := object.(*gatewayv1alpha3.BackendTLSPolicy); ok {
		return inputs.BackendTLSPolicyFromV1Alpha3(older)
	}
	return object.(*gatewayv1.BackendTLSPolicy)
}

// policyKeys are the BackendTLSPolicies that are there.
func policyKeys(ctx context.Context, cache client.Reader, installed gather.Installed) ([]types.NamespacedName, error) {
	var keys []types.NamespacedName
	switch installed.BackendTLSPolicies {
	case gatewayv1.GroupVersion.Version:
		var list gatewayv1.BackendTLSPolicyList
		if err := cache.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("list %T: %w", list, err)
		}
		for i := range list.Items {
			keys = append(keys, client.ObjectKeyFromObject(&list.Items[i]))
		}
	case gatewayv1alpha3.GroupVersion.Version:
		var list gatewayv1alpha3.BackendTLSPolicyList
		if err := cache.List(ctx, &list, client.UnsafeDisableDeepCopy); err != nil {
			return nil, fmt.Errorf("list %T: %w", list, err)
		}
		for i := range list.Items {
			keys = append(keys, client.ObjectKeyFromObject(&list.Items[i]))
		}
	}
	return keys, nil
}
