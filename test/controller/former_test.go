//go:build apiserver

package controller

import (
	"errors"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// formerly are the objects of an earlier version, made of those of today, by the names that they had.
func formerly(t *testing.T, ns string) []client.Object {
	t.Helper()
	var made []client.Object
	for _, each := range []struct {
		object      client.Object
		name, today string
	}{
		{&corev1.ServiceAccount{}, "edge", gatewaypod.AccountName("edge")},
		{&rbacv1.Role{}, "edge", gatewaypod.AccountName("edge")},
		{&rbacv1.RoleBinding{}, "edge", gatewaypod.AccountName("edge")},
		{&corev1.ConfigMap{}, "edge", gatewaypod.ConfigMapName("edge")},
		{&corev1.Secret{}, "edge-tls", gatewaypod.CertificatesSecretName("edge")},
		{&corev1.Secret{}, "edge-admin", gatewaypod.AdminSecretName("edge")},
	} {
		get(t, each.object, ns, each.today)
		former := each.object.DeepCopyObject().(client.Object)
		require.NoError(t, cluster.Delete(t.Context(), each.object))
		former.SetName(each.name)
		former.SetUID("")
		former.SetResourceVersion("")
		former.SetManagedFields(nil)
		require.NoError(t, cluster.Create(t.Context(), former))
		made = append(made, former)
	}
	return made
}

// TestAnUpgradeFromFormerNames: pods of the earlier version go on with what they know until those of today are ready.
func TestAnUpgradeFromFormerNames(t *testing.T) {
	first := startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	old := startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.10")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	first.idle(t)
	first.stop(t)
	sequence := contract.Sequence([]byte(get(t, &corev1.ConfigMap{}, ns, gatewaypod.ConfigMapName("edge")).Data[routing.File]))
	before := formerly(t, ns)
	eventually(t, "the pod to be of the earlier version", func() error {
		pod := get(t, &corev1.Pod{}, ns, old.name)
		delete(pod.Annotations, "gateway.varnish.io/service-account-uid")
		return cluster.Update(t.Context(), pod)
	})
	transitions := get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Conditions

	record := recordProgrammed(t, ns, "edge")
	second := startOperator(t)
	eventually(t, "what is published today to be there", func() error {
		config := &corev1.ConfigMap{}
		if err := cluster.Get(t.Context(), clientKey(ns, gatewaypod.ConfigMapName("edge")), config); err != nil {
			return err
		}
		if now := contract.Sequence([]byte(config.Data[routing.File])); now != sequence {
			return fmt.Errorf("sequence %d instead of %d", now, sequence)
		}
		return cluster.Get(t.Context(), clientKey(ns, gatewaypod.AccountName("edge")), &corev1.ServiceAccount{})
	})
	second.idle(t)
	assert.Equal(t, old.token, string(get(t, &corev1.Secret{}, ns, gatewaypod.AdminSecretName("edge")).Data["token"]), "the old pods can be asked")
	var bindings rbacv1.RoleBindingList
	require.NoError(t, cluster.List(t.Context(), &bindings, inNamespace(ns)))
	for _, binding := range bindings.Items {
		if binding.Name != "edge" {
			require.Len(t, binding.Subjects, 2, binding.Name)
			assert.Equal(t, "edge", binding.Subjects[1].Name, "the old pods may still read: %s", binding.Name)
		}
	}
	for _, object := range before {
		require.NoError(t, cluster.Get(t.Context(), client.ObjectKeyFromObject(object), object), "it is kept while an old pod is there")
	}
	assert.Equal(t, []string{"Gateway True", "http True"}, record.stop(), "also between two seconds")
	assert.Equal(t, transitions, get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Conditions, "the Gateway is programmed all the while")

	startPod(t, ns, "edge")
	require.NoError(t, cluster.Delete(t.Context(), get(t, &corev1.Pod{}, ns, old.name), client.GracePeriodSeconds(0)))
	eventually(t, "the objects with the former names to be gone", func() error {
		for _, object := range before {
			if err := cluster.Get(t.Context(), client.ObjectKeyFromObject(object), object); !apierrors.IsNotFound(err) {
				return errors.Join(fmt.Errorf("%T %s is there", object, object.GetName()), err)
			}
		}
		return nil
	})
	require.NoError(t, cluster.Get(t.Context(), clientKey(ns, "edge"), &appsv1.Deployment{}))
	require.NoError(t, cluster.Get(t.Context(), clientKey(ns, "edge"), &corev1.Service{}))
	eventually(t, "the old account to have no rights", func() error {
		require.NoError(t, cluster.List(t.Context(), &bindings, inNamespace(ns)))
		for _, binding := range bindings.Items {
			if len(binding.Subjects) != 1 {
				return fmt.Errorf("%s has %d subjects", binding.Name, len(binding.Subjects))
			}
		}
		return nil
	})
}
