//go:build apiserver

package controller

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

func TestAnObjectThatIsNotOursIsLeftAlone(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, `
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge}
spec:
  selector: {matchLabels: {app: theirs}}
  template:
    metadata: {labels: {app: theirs}}
    spec: {containers: [{name: c, image: theirs}]}
---`+class+"---"+edge)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Invalid", "Deployment edge exists and does not belong to this Gateway")
	theirs := get(t, &appsv1.Deployment{}, ns, "edge")
	assert.Equal(t, "theirs", theirs.Spec.Template.Spec.Containers[0].Image)
	assert.Empty(t, theirs.OwnerReferences)

	remove(t, &appsv1.Deployment{}, ns, "edge")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", "no pod")
}

func TestWhatTheAPIServerRefusesIsToldAndHoldsNothingElseBack(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+withParameters("{resources: {requests: {cpu: 2}, limits: {cpu: 1}}}")+"---"+web)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Invalid", "must be less than or equal to cpu limit")
	eventuallyRoutes(t, ns, "web")
	require.NotEmpty(t, get(t, &corev1.Service{}, ns, "edge").Spec.Ports)
	apply(t, ns, withParameters("{resources: {requests: {cpu: 1}, limits: {cpu: 1}}}"))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", "no pod")
}

// grant lets routes of a namespace refer to the Service web.
func grant(from string) string {
	return fmt.Sprintf(webService+`
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: from-edge}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: %s}]
  to: [{group: "", kind: Service}]
`, from)
}

// routeTo is the route web, to the Service web of another namespace.
func routeTo(name, namespace string) string {
	return strings.Replace(strings.Replace(webRoute, "name: web, port", "name: web, namespace: "+namespace+", port", 1),
		"name: web}\nspec", "name: "+name+"}\nspec", 1)
}

// accesses are the Roles and RoleBindings of ours in a namespace.
func accesses(t *testing.T, namespace string) int {
	t.Helper()
	var bindings rbacv1.RoleBindingList
	var roles rbacv1.RoleList
	require.NoError(t, cluster.List(t.Context(), &bindings, inNamespace(namespace), managed))
	require.NoError(t, cluster.List(t.Context(), &roles, inNamespace(namespace), managed))
	return len(bindings.Items) + len(roles.Items)
}

func eventuallyAccesses(t *testing.T, namespace string, want int) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d objects that give access to endpoints", want), func() error {
		if n := accesses(t, namespace); n != want {
			return fmt.Errorf("%d objects", n)
		}
		return nil
	})
}

func TestOneNamespaceOfBackendsCannotHoldAGatewayBack(t *testing.T) {
	startOperator(t)
	ns, hostile, good := namespace(t), namespace(t), namespace(t)
	apply(t, hostile, grant(ns))
	apply(t, good, grant(ns))
	apply(t, ns, class+"---"+edge+"---"+routeTo("one", good))
	eventuallyAccesses(t, good, 2)
	var roles rbacv1.RoleList
	require.NoError(t, cluster.List(t.Context(), &roles, inNamespace(good), managed))
	name := roles.Items[0].Name

	apply(t, hostile, "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: "+name+"}\nrules: []\n")
	apply(t, ns, routeTo("two", hostile))
	eventuallyRoutes(t, ns, "one", "two")
	startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.9")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "Role "+name+" exists and does not belong to this Gateway")
	apply(t, ns, strings.Replace(edge, "protocol: HTTP,", "protocol: HTTP, hostname: example.org,", 1))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "lacks endpoints")
	observed(t, ns, "edge")
	assert.Equal(t, 2, accesses(t, good))

	remove(t, &rbacv1.Role{}, hostile, name)
	eventuallyAccesses(t, hostile, 2)
}

func TestAGatewayIsHeldOnlyWhileItHasSomethingInOtherNamespaces(t *testing.T) {
	startOperator(t)
	ns, backends := namespace(t), namespace(t)
	apply(t, backends, grant(ns))
	apply(t, ns, class+"---"+edge+"---"+routeTo("web", backends))
	eventuallyAccesses(t, backends, 2)
	require.NotEmpty(t, get(t, &gatewayv1.Gateway{}, ns, "edge").Finalizers)
	remove(t, &gatewayv1.HTTPRoute{}, ns, "web")
	eventuallyAccesses(t, backends, 0)
	eventually(t, "the finalizer to be gone", func() error {
		if f := get(t, &gatewayv1.Gateway{}, ns, "edge").Finalizers; len(f) > 0 {
			return errors.New(strings.Join(f, " "))
		}
		return nil
	})
}

// A certificate of a user is most often a Secret GATEWAY-tls; they pick the names of the others too.
func TestObjectsThatUsersNameForTheGatewayAreInNobodysWay(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, `
apiVersion: v1
kind: Secret
metadata: {name: edge-tls}
---
apiVersion: v1
kind: Secret
metadata: {name: edge-admin}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: edge}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: edge}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: edge}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: edge}
---`+class+"---"+withParameters("{podDisruptionBudget: {minAvailable: 1}}"))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", "no pod")
}

func TestAllThatIsInTheWayIsNamedAtOnceAndHoldsNothingElseBack(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, strings.ReplaceAll(`
apiVersion: v1
kind: Secret
metadata: {name: OURS-certificates}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: OURS}
---`, "OURS", gatewaypod.AccountName("edge"))+class+"---"+edge+"---"+web)
	for _, object := range []string{"Secret " + gatewaypod.CertificatesSecretName("edge"), "ServiceAccount " + gatewaypod.AccountName("edge")} {
		eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Invalid", object+" exists and does not belong to this Gateway")
	}
	eventuallyRoutes(t, ns, "web")
	require.NotEmpty(t, get(t, &corev1.Service{}, ns, "edge").Spec.Ports)
	assert.True(t, apierrors.IsNotFound(cluster.Get(t.Context(), clientKey(ns, "edge"), &appsv1.Deployment{})), "pods would run as somebody else")
	remove(t, &corev1.Secret{}, ns, gatewaypod.CertificatesSecretName("edge"))
	remove(t, &corev1.ServiceAccount{}, ns, gatewaypod.AccountName("edge"))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", "no pod")
}

// What nobody needs to serve keeps nobody from serving.
func TestABudgetInTheWayIsToldBesideWhatServes(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, `
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: `+gatewaypod.AccountName("edge")+`}
---`+class+"---"+withParameters("{podDisruptionBudget: {minAvailable: 1}}")+"---"+web)
	startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.11")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed",
		"PodDisruptionBudget "+gatewaypod.AccountName("edge")+" exists and does not belong to this Gateway")
}
