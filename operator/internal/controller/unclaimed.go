package controller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/status"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// unclaimed looks after a Gateway that translation says nothing of. Where its class is another controller's, everything of ours
// goes, but for the status, which is the other's now. Where there is no such class, the Gateway has nothing of ours: one that has
// is translated.
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
	w := workload.Gateway{Object: gateway, Controller: r.controller}
	if err := r.dismantle(ctx, w); err != nil {
		return err
	}
	return errors.Join(r.collect(ctx, w), r.statuses.gateway(ctx, key, gateway.UID, nil, status.Released))
}

// dismantle deletes what this controller has made for a Gateway in its own namespace. What another controller made, and what
// does not say who made it, is left alone. The caches tell whether there is anything; where there is, the API server, which
// also knows what lost our label, tells what.
func (r *gatewayReconciler) dismantle(ctx context.Context, w workload.Gateway) error {
	made := func(object client.Object) bool {
		return workload.BelongsTo(object, w.Object) && workload.Maker(object) == r.controller
	}
	found, err := r.namesakes(ctx, r.cache, w, made)
	if err != nil || len(found) == 0 {
		return err
	}
	if found, err = r.namesakes(ctx, r.live, w, made); err != nil {
		return err
	}
	var failed []error
	for _, object := range found {
		failed = append(failed, r.writer.Delete(ctx, object))
	}
	return errors.Join(failed...)
}

// namesakes are the objects of the names that a Gateway's have, as far as they are chosen; pods go with their Deployment.
func (r *gatewayReconciler) namesakes(ctx context.Context, from client.Reader, w workload.Gateway, chosen func(client.Object) bool) ([]client.Object, error) {
	names := workload.NamesOf(w.Object.Name)
	access := workload.EndpointsRoleName(w.Key())
	configMaps := append(slices.Collect(maps.Values(names.Shards)), names.Config)
	var found []client.Object
	for _, each := range []struct {
		empty func() client.Object
		names []string
	}{
		{func() client.Object { return &corev1.Service{} }, []string{names.Service}},
		{func() client.Object { return &appsv1.Deployment{} }, []string{names.Deployment}},
		{func() client.Object { return &policyv1.PodDisruptionBudget{} }, []string{names.Budget}},
		{func() client.Object { return gather.Metadata(gather.ConfigMapKind) }, configMaps},
		{func() client.Object { return gather.Metadata(gather.SecretKind) }, names.Secrets()},
		{func() client.Object { return &rbacv1.RoleBinding{} }, []string{names.Role, access}},
		{func() client.Object { return &rbacv1.Role{} }, []string{names.Role, access}},
		{func() client.Object { return &corev1.ServiceAccount{} }, []string{names.ServiceAccount}},
	} {
		for _, name := range each.names {
			object := each.empty()
			err := from.Get(ctx, client.ObjectKey{Namespace: w.Object.Namespace, Name: name}, object)
			if err != nil && !apierrors.IsNotFound(err) {
				return nil, fmt.Errorf("look up %T %s of Gateway %s: %w", object, name, w.Key(), err)
			}
			if err == nil && chosen(object) {
				found = append(found, object)
			}
		}
	}
	return found, nil
}
