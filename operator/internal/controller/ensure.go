package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// ensureAll writes whatever of a Gateway's objects is not as it should be, and returns which VCL its pods are to run. What
// pods mount and need comes before the pods.
func (r *gatewayReconciler) ensureAll(ctx context.Context, g *Gateway, w workload.Gateway) (dataplane.Wanted, error) {
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
	want, err := r.ensureConfig(ctx, g, w)
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

// find reads the live object into live, which stays empty where there is none. What the cache does not hold, since it
// holds only what is labelled as ours, is looked for in the cluster before it is made.
func (r *gatewayReconciler) find(ctx context.Context, w workload.Gateway, desired, live client.Object) error {
	key := client.ObjectKeyFromObject(desired)
	err := r.cache.Get(ctx, key, live)
	if apierrors.IsNotFound(err) {
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

func (r *gatewayReconciler) checkOwner(w workload.Gateway, desired, live client.Object) error {
	if apply.OwnedBy(live, string(w.Object.UID)) {
		return nil
	}
	// An ownerReference cannot cross namespaces: there, the label says whose it is.
	if live.GetNamespace() != w.Object.Namespace && live.GetLabels()[workload.LabelOwner] == workload.OwnerDigest(w.Key()) {
		return nil
	}
	return &foreignError{kind: desired.GetObjectKind().GroupVersionKind().Kind, name: live.GetName()}
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
	if !apply.OwnedBy(live, string(w.Object.UID)) {
		return nil
	}
	return r.writer.Delete(ctx, live)
}

// ensureConfig makes the ConfigMap that the HTTPRoute reconciler adds routing.json to, and writes main.vcl. VCL that is not
// known to compile never takes the place of another: pods that start would find nothing else, and serve without it.
func (r *gatewayReconciler) ensureConfig(ctx context.Context, g *Gateway, w workload.Gateway) (dataplane.Wanted, error) {
	live, err := r.config(ctx, w)
	if err != nil {
		return dataplane.Wanted{}, err
	}
	var text []byte
	var object client.Object
	if live != nil {
		text, object = []byte(live.Data[mainvcl.File]), live
	}
	vcl, changed := render.VCL(g.Model, text)
	var check dataplane.Check
	if before, _, err := mainvcl.Parse(text); err == nil && changed {
		if check = r.directory.Check(w.Key(), vcl); check.State != dataplane.Compiles {
			// What else is wrong with the ConfigMap is put right.
			_, err := r.writeConfig(ctx, w, text, object)
			return dataplane.Wanted{VCL: before.Sequence, Check: check}, err
		}
	}
	header, _, err := mainvcl.Parse(vcl)
	if err != nil {
		return dataplane.Wanted{}, err
	}
	written, err := r.writeConfig(ctx, w, vcl, object)
	if written && changed {
		r.told.revise(w.Key())
	}
	return dataplane.Wanted{VCL: header.Sequence}, err
}

func (r *gatewayReconciler) writeConfig(ctx context.Context, w workload.Gateway, vcl []byte, live client.Object) (bool, error) {
	now, written, err := r.writer.Apply(ctx, w.Config(vcl), live)
	if written {
		r.contents.Forget(client.ObjectKeyFromObject(now))
	}
	return written, err
}

// config is the live ConfigMap of a Gateway, or nil. One that the cache does not know yet is looked for in the cluster.
func (r *gatewayReconciler) config(ctx context.Context, w workload.Gateway) (*corev1.ConfigMap, error) {
	key := types.NamespacedName{Namespace: w.Object.Namespace, Name: workload.NamesOf(w.Object.Name).Config}
	live, err := r.contents.ConfigMap(ctx, key)
	if err != nil {
		return nil, err
	}
	if live == nil {
		live = &corev1.ConfigMap{}
		if err := r.live.Get(ctx, key, live); err != nil {
			return nil, client.IgnoreNotFound(err)
		}
	}
	return live, r.checkOwner(w, w.Config(nil), live)
}

func (r *gatewayReconciler) ensureCertificates(ctx context.Context, g *Gateway, w workload.Gateway) error {
	desired := w.Certificates(g.Certificates)
	live, err := r.secret(ctx, w, desired)
	if err != nil {
		return err
	}
	_, _, err = r.writer.Apply(ctx, desired, live)
	return err
}

// renewCertificates brings the certificates of a Gateway up to date whose other objects stay as they are: a key pair that is not
// permitted any more must not stay with pods that are there.
func (r *gatewayReconciler) renewCertificates(ctx context.Context, g *Gateway, w workload.Gateway) error {
	live, err := r.contents.Secret(ctx, client.ObjectKeyFromObject(w.Certificates(nil)))
	if err != nil || live == nil || !apply.OwnedBy(live, string(w.Object.UID)) {
		return err
	}
	return r.ensureCertificates(ctx, g, w)
}

// ensureAdmin makes the credential of the admin API, unless there is one.
func (r *gatewayReconciler) ensureAdmin(ctx context.Context, w workload.Gateway) error {
	live, err := r.secret(ctx, w, w.Admin(workload.Credential{}))
	if err != nil {
		return err
	}
	credential, sound := workload.CredentialOf(live)
	if !sound {
		if credential, err = workload.NewCredential(time.Now()); err != nil {
			return err
		}
	}
	_, _, err = r.writer.Apply(ctx, w.Admin(credential), live)
	return err
}

// secret is the live Secret of the name of the desired one; empty where there is none.
func (r *gatewayReconciler) secret(ctx context.Context, w workload.Gateway, desired *corev1.Secret) (*corev1.Secret, error) {
	key := client.ObjectKeyFromObject(desired)
	live, err := r.contents.Secret(ctx, key)
	if err != nil {
		return nil, err
	}
	if live == nil {
		live = &corev1.Secret{}
		if err := r.live.Get(ctx, key, live); err != nil {
			return &corev1.Secret{}, client.IgnoreNotFound(err)
		}
	}
	return live, r.checkOwner(w, desired, live)
}
