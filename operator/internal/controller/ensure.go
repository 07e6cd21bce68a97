package controller

import (
	"context"
	"errors"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/programming"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// ensureAll writes whatever of a Gateway's objects is not as it should be, and returns which VCL its pods are to run. What
// pods mount and need comes before the pods.
func (r *gatewayReconciler) ensureAll(ctx context.Context, g *Gateway, state *programming.Gateway, w workload.Gateway) (dataplane.Wanted, error) {
	for _, each := range []struct{ desired, live client.Object }{
		{w.ServiceAccount(), &corev1.ServiceAccount{}},
		{w.Role(), &rbacv1.Role{}},
		{w.RoleBinding(), &rbacv1.RoleBinding{}},
	} {
		if err := r.ensure(ctx, w, each.desired, each.live); err != nil {
			return dataplane.Wanted{}, err
		}
	}
	if err := errors.Join(r.ensureCertificates(ctx, g, w), r.ensureAdmin(ctx, w)); err != nil {
		return dataplane.Wanted{}, err
	}
	want, err := r.ensureConfig(ctx, g, state, w)
	if err != nil {
		return want, err
	}
	return want, errors.Join(r.ensure(ctx, w, w.Service(), &corev1.Service{}), r.ensureDeployment(ctx, w), r.ensureBudget(ctx, w))
}

// ensure writes one object where the live one does not hold it.
func (r *gatewayReconciler) ensure(ctx context.Context, w workload.Gateway, desired, live client.Object) error {
	if err := r.find(ctx, w, desired, live); err != nil {
		return err
	}
	_, _, err := r.writer.Apply(ctx, desired, live)
	return err
}

// find reads the live object into live, which stays empty where there is none. A cache holds less than the API server: only
// what has our label, and of what is not ours not everything. So what it does not have, or has as somebody else's, is
// looked for in the cluster.
func (r *gatewayReconciler) find(ctx context.Context, w workload.Gateway, desired, live client.Object) error {
	key := client.ObjectKeyFromObject(desired)
	err := r.cache.Get(ctx, key, live)
	if apierrors.IsNotFound(err) || err == nil && !w.Owns(live) {
		err = r.live.Get(ctx, key, live)
	}
	if apierrors.IsNotFound(err) {
		live.SetResourceVersion("")
		return nil
	}
	if err != nil {
		return fmt.Errorf("look up %T %s: %w", desired, key, err)
	}
	return r.checkOwner(w, desired, live)
}

// checkOwner has an object watched that is not the Gateway's to write, and says whose it is.
func (r *gatewayReconciler) checkOwner(w workload.Gateway, desired, live client.Object) error {
	if w.Owns(live) {
		return nil
	}
	kind := desired.GetObjectKind().GroupVersionKind()
	r.states.of(w.Object).Blocked(kind, live, func(o client.Object) bool { return w.Owns(o) })
	return foreign(w, kind.Kind, live)
}

// ensureDeployment writes the template only if its hash differs, whatever else was done to it: the hash alone rolls pods. Where
// something beside it is to be written, the template is written as it is.
func (r *gatewayReconciler) ensureDeployment(ctx context.Context, w workload.Gateway) error {
	desired, err := w.Deployment()
	if err != nil {
		return err
	}
	live := &appsv1.Deployment{}
	if err := r.find(ctx, w, desired, live); err != nil {
		return err
	}
	if live.ResourceVersion != "" && workload.InfraHash(live) == workload.InfraHash(desired) {
		desired.Spec.Template = *live.Spec.Template.DeepCopy()
	}
	_, _, err = r.writer.Apply(ctx, desired, live, "spec.template")
	return err
}

func (r *gatewayReconciler) ensureBudget(ctx context.Context, w workload.Gateway) error {
	live := &policyv1.PodDisruptionBudget{}
	if desired := w.Budget(); desired != nil {
		return r.ensure(ctx, w, desired, live)
	}
	key := types.NamespacedName{Namespace: w.Object.Namespace, Name: workload.NamesOf(w.Object.Name).Budget}
	if err := r.cache.Get(ctx, key, live); err != nil {
		return client.IgnoreNotFound(err)
	}
	if !w.Owns(live) {
		return nil
	}
	return r.writer.Delete(ctx, live)
}
