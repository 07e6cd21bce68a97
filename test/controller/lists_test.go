//go:build apiserver

package controller

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ownedLists are the kinds that the operator writes.
func ownedLists() []client.ObjectList {
	return []client.ObjectList{
		&gatewayv1.GatewayList{}, &gatewayv1.HTTPRouteList{}, &corev1.ConfigMapList{}, &corev1.SecretList{}, &corev1.ServiceList{},
		&corev1.ServiceAccountList{}, &appsv1.DeploymentList{}, &rbacv1.RoleList{}, &rbacv1.RoleBindingList{},
	}
}

func versionsOf(t *testing.T, list client.ObjectList) map[string]string {
	t.Helper()
	versions := map[string]string{}
	require.NoError(t, meta.EachListItem(list, func(item runtime.Object) error {
		object, err := meta.Accessor(item)
		if err != nil {
			return err
		}
		versions[fmt.Sprintf("%T %s", item, object.GetName())] = object.GetResourceVersion()
		return nil
	}))
	return versions
}

func inNamespaceAll(namespace string) client.DeleteAllOfOption { return client.InNamespace(namespace) }
