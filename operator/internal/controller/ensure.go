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

// ensured is what came of writing the objects of a Gateway.
type ensured struct {
	// want is which VCL the pods are to run.
	want dataplane.Wanted
	// needed is what keeps pods from starting or requests from reaching them, aside what else could not be written.
	needed, aside error
}

// ensureAll writes whatever of a Gateway's objects is not as it should be. One that cannot be written holds back only what needs
// it: pods that start without their account, their configuration or their credential would do so with somebody else's.
func (r *gatewayReconciler) ensureAll(ctx context.Context, g *Gateway, state *programming.Gateway, w workload.Gateway, before formerObjects) ensured {
	account, accountErr := r.ensureAccount(ctx, w)
	w.Account = account
	var e ensured
	want, configErr := r.ensureConfig(ctx, g, state, w)
	e.want = want
	mounted := errors.Join(accountErr, configErr, r.ensureCertificates(ctx, g, w), r.ensureAdmin(ctx, w, before))
	e.aside = errors.Join(
		r.ensure(ctx, w, w.Role(), &rbacv1.Role{}), r.ensure(ctx, w, w.RoleBinding(), &rbacv1.RoleBinding{}), r.ensureBudget(ctx, w),
		r.ensureTicketKeys(ctx, w),
	)
	e.needed = errors.Join(mounted, r.ensure(ctx, w, w.Service(), &corev1.Service{}))
	if withoutContested(mounted) == nil {
		e.needed = errors.Join(e.needed, r.ensureDeployment(ctx, w))
		e.aside = errors.Join(e.aside, r.collectFormer(ctx, w, before))
	}
	return e
}

// ensureAccount makes the ServiceAccount of the pods, and returns its UID.
func (r *gatewayReconciler) ensureAccount(ctx context.Context, w workload.Gateway) (types.UID, error) {
	now, err := r.put(ctx, w, w.ServiceAccount(), &corev1.ServiceAccount{})
	if now == nil {
		return "", err
	}
	return now.GetUID(), err
}

// ensure writes one object where the live one does not hold it.
func (r *gatewayReconciler) ensure(ctx context.Context, w workload.Gateway, desired, live client.Object) error {
	_, err := r.put(ctx, w, desired, live)
	return err
}

// put is ensure, and returns the object as it is now; nil where it could not be looked up or written.
func (r *gatewayReconciler) put(ctx context.Context, w workload.Gateway, desired, live client.Object) (client.Object, error) {
	if err := r.find(ctx, w, desired, live); err != nil {
		return nil, err
	}
	now, _, err := r.writer.Apply(ctx, desired, live)
	return now, err
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

func (r *gatewayReconciler) ensureDeployment(ctx context.Context, w workload.Gateway) error {
	desired, err := w.Deployment()
	if err != nil {
		return err
	}
	return r.ensure(ctx, w, desired, &appsv1.Deployment{})
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
