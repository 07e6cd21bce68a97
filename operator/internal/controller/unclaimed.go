package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// unclaimed looks after a Gateway that translation says nothing of. Where its class is another controller's, everything of ours
// goes, but for the status, which is the other's now. Where there is no such class, what serves goes on serving.
func (r *gatewayReconciler) unclaimed(ctx context.Context, gateway *gatewayv1.Gateway) error {
	key := client.ObjectKeyFromObject(gateway)
	class := &gatewayv1.GatewayClass{}
	err := r.cache.Get(ctx, client.ObjectKey{Name: string(gateway.Spec.GatewayClassName)}, class)
	switch {
	case apierrors.IsNotFound(err):
		r.states.Forget(key)
		return nil
	case err != nil:
		return fmt.Errorf("look up the GatewayClass of Gateway %s: %w", key, err)
	case class.Spec.ControllerName == r.controller:
		// It is about to be translated.
		return nil
	}
	r.forget(key)
	if err := r.dismantle(ctx, gateway); err != nil {
		return err
	}
	return r.collect(ctx, gateway)
}

// dismantle deletes what a Gateway has in its own namespace.
func (r *gatewayReconciler) dismantle(ctx context.Context, gateway *gatewayv1.Gateway) error {
	labels := client.MatchingLabels{
		workload.LabelManagedBy: workload.ManagedBy,
		workload.LabelOwner:     workload.OwnerDigest(client.ObjectKeyFromObject(gateway)),
	}
	var failed []error
	for _, list := range []client.ObjectList{
		&corev1.ServiceList{}, &appsv1.DeploymentList{}, &policyv1.PodDisruptionBudgetList{},
		gather.MetadataList(gather.ConfigMapKind), gather.MetadataList(gather.SecretKind),
		&rbacv1.RoleBindingList{}, &rbacv1.RoleList{}, &corev1.ServiceAccountList{},
	} {
		if err := r.cache.List(ctx, list, client.InNamespace(gateway.Namespace), labels); err != nil {
			return fmt.Errorf("list %T of Gateway %s/%s: %w", list, gateway.Namespace, gateway.Name, err)
		}
		err := meta.EachListItem(list, func(item runtime.Object) error {
			if metadata, ok := item.(*metav1.PartialObjectMetadata); ok {
				kind := list.GetObjectKind().GroupVersionKind()
				metadata.SetGroupVersionKind(kind.GroupVersion().WithKind(strings.TrimSuffix(kind.Kind, "List")))
			}
			if object := item.(client.Object); apply.OwnedBy(object, string(gateway.UID)) {
				failed = append(failed, r.writer.Delete(ctx, object))
			}
			return nil
		})
		failed = append(failed, err)
	}
	return errors.Join(failed...)
}
