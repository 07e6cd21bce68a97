package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/controller/controllerutil"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// endpointsFinalizer keeps a Gateway until nothing is left of it in other namespaces. Only Gateways that have something
// there carry it. Controllers of another name than the usual have one of their own: what one of them puts on, no other takes off.
const endpointsFinalizer = v1alpha1.GroupName + "/endpoints-access"

func (r *gatewayReconciler) finalizer() string {
	if r.controller == inputs.ControllerName {
		return endpointsFinalizer
	}
	return endpointsFinalizer + "-" + gatewaypod.Digest(string(r.controller))
}

// reachEndpoints lets the pods read the EndpointSlices of the namespaces that they route to, and of no others. What fails in one
// namespace does not hold back the others. What is published waits for those that may succeed at the next attempt.
func (r *gatewayReconciler) reachEndpoints(ctx context.Context, g *Gateway, w workload.Gateway) error {
	namespaces := routedNamespaces(g)
	state := r.states.of(w.Object)
	state.AccessWithdrawn(namespaces)
	unwanted := func(o client.Object) bool { return !slices.Contains(namespaces, o.GetNamespace()) }
	failed := []error{r.withdraw(ctx, r.cache, w, unwanted)}
	isElsewhere := func(n string) bool { return n != w.Object.Namespace }
	var unfinalized error
	if !slices.ContainsFunc(namespaces, isElsewhere) {
		failed = append(failed, r.collect(ctx, w))
	} else if unfinalized = r.finalize(ctx, w.Object, true); unfinalized != nil {
		failed = append(failed, unfinalized)
	}
	var settled []string
	for _, namespace := range namespaces {
		err := unfinalized
		if unfinalized == nil || !isElsewhere(namespace) {
			if err = r.reach(ctx, w, namespace); err != nil {
				failed = append(failed, fmt.Errorf("the pods cannot read the EndpointSlices of namespace %s: %w", namespace, err))
			}
		}
		if withoutContested(err) == nil || obstacle(err) != "" {
			settled = append(settled, namespace)
		}
	}
	if state.AccessSettled(settled) {
		r.queues.routing(client.ObjectKeyFromObject(w.Object))
	}
	return errors.Join(failed...)
}

// reach lets the pods read the EndpointSlices of a namespace.
func (r *gatewayReconciler) reach(ctx context.Context, w workload.Gateway, namespace string) error {
	role, binding := w.EndpointsAccess(namespace)
	err := r.ensure(ctx, w, role, &rbacv1.Role{})
	if withoutContested(err) != nil {
		return err
	}
	return errors.Join(err, r.ensure(ctx, w, binding, &rbacv1.RoleBinding{}))
}

// routedNamespaces are those of the services that the Gateway's routes name, in order.
func routedNamespaces(g *Gateway) []string {
	var namespaces []string
	for _, service := range g.Model.Services {
		namespaces = append(namespaces, service.Namespace)
	}
	slices.Sort(namespaces)
	return slices.Compact(namespaces)
}

// collect removes what a Gateway has in other namespaces, of which it needs nothing more, and then takes the finalizer off. What is
// in its own namespace goes with it.
func (r *gatewayReconciler) collect(ctx context.Context, w workload.Gateway) error {
	if !controllerutil.ContainsFinalizer(w.Object, r.finalizer()) {
		return nil
	}
	// The cache may not know yet of what was made a moment ago.
	elsewhere := func(o client.Object) bool { return o.GetNamespace() != w.Object.Namespace }
	if err := r.withdraw(ctx, r.live, w, elsewhere); err != nil {
		return err
	}
	return r.finalize(ctx, w.Object, false)
}

// withdraw deletes the access to endpoints that is chosen. The cache finds it by our label, the API server by its name.
func (r *gatewayReconciler) withdraw(ctx context.Context, from client.Reader, w workload.Gateway, chosen func(client.Object) bool) error {
	var found client.ListOption = client.MatchingLabels{workload.LabelOwner: workload.OwnerDigest(w.Key())}
	if from == r.live {
		found = client.MatchingFields{"metadata.name": workload.EndpointsRoleName(w.Key())}
	}
	var roles rbacv1.RoleList
	var bindings rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&bindings, &roles} {
		if err := from.List(ctx, list, found); err != nil {
			return fmt.Errorf("list %T: %w", list, err)
		}
	}
	// Bindings first: one whose Role is gone grants nothing, but is in the way of whoever looks.
	var objects []client.Object
	for i := range bindings.Items {
		objects = append(objects, &bindings.Items[i])
	}
	for i := range roles.Items {
		objects = append(objects, &roles.Items[i])
	}
	var failed []error
	for _, object := range objects {
		if object.GetName() == workload.EndpointsRoleName(w.Key()) && w.Owns(object) && chosen(object) {
			failed = append(failed, r.writer.Delete(ctx, object))
		}
	}
	return errors.Join(failed...)
}

// finalize puts the finalizer on a Gateway, or takes it away.
func (r *gatewayReconciler) finalize(ctx context.Context, gateway *gatewayv1.Gateway, hold bool) error {
	changed := gateway.DeepCopy()
	if hold && !controllerutil.AddFinalizer(changed, r.finalizer()) {
		return nil
	}
	if !hold && !controllerutil.RemoveFinalizer(changed, r.finalizer()) {
		return nil
	}
	name := fmt.Sprintf("Gateway %s", client.ObjectKeyFromObject(gateway))
	if err := r.writer.Corrections.Begin(name, fmt.Sprint(gateway.UID, hold), "metadata.finalizers"); err != nil {
		return err
	}
	// The list of finalizers is written whole: the resourceVersion makes sure that nobody else's is lost.
	patch := client.MergeFromWithOptions(gateway, client.MergeFromWithOptimisticLock{})
	if err := r.writer.Client.Patch(ctx, changed, patch, client.FieldOwner(r.writer.Manager)); err != nil {
		r.writer.Corrections.Failed(name)
		return fmt.Errorf("change the finalizers of Gateway %s: %w", client.ObjectKeyFromObject(gateway), err)
	}
	apply.Count("Gateway", "finalizer")
	return nil
}
