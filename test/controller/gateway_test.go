//go:build apiserver

package controller

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestAGatewayIsProgrammedWhenItsPodsSaySo(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", "no pod")
	eventuallyCondition(t, ofRoute(t, ns, "web"), "Accepted", "True", "Accepted", "")
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "True", "ResolvedRefs", "")
	startPod(t, ns, "edge")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "AddressNotAssigned", "")
	assignAddress(t, ns, "edge", "192.0.2.1")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	gateway := get(t, &gatewayv1.Gateway{}, ns, "edge")
	require.Len(t, gateway.Status.Addresses, 1)
	assert.Equal(t, "192.0.2.1", gateway.Status.Addresses[0].Value)
	assert.Equal(t, gatewayv1.IPAddressType, *gateway.Status.Addresses[0].Type)
	eventually(t, "the attached route to be counted", func() error {
		if n := get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Listeners[0].AttachedRoutes; n != 1 {
			return fmt.Errorf("%d routes are attached", n)
		}
		return nil
	})
	for _, c := range get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Listeners[0].Conditions {
		assert.Equal(t, c.Type == "Conflicted", c.Status == metav1.ConditionFalse, "%+v", c)
	}
}

func TestOnePodThatIsBehindHoldsProgrammedBack(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	startPod(t, ns, "edge")
	slow := startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.2")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	slow.freeze()
	apply(t, ns, strings.Replace(edge, "protocol: HTTP,", "protocol: HTTP, hostname: example.org,", 1))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", "Pod "+slow.name)
	remove(t, &corev1.Pod{}, ns, slow.name)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
}

func TestConditionsOfOthersStay(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Accepted", "True", "", "")
	foreign := metav1.Condition{
		Type: "example.org/Foreign", Status: "True", Reason: "Theirs", Message: "byte  for byte", ObservedGeneration: 3,
		LastTransitionTime: metav1.Unix(1_700_000_000, 0),
	}
	eventually(t, "a foreign condition to be written", func() error {
		gateway := get(t, &gatewayv1.Gateway{}, ns, "edge")
		gateway.Status.Conditions = append(gateway.Status.Conditions, foreign)
		return cluster.Status().Update(t.Context(), gateway)
	})
	apply(t, ns, strings.Replace(edge, "protocol: HTTP,", "protocol: HTTP, hostname: example.org,", 1))
	eventually(t, "the new generation to be observed", func() error {
		gateway := get(t, &gatewayv1.Gateway{}, ns, "edge")
		for _, c := range gateway.Status.Conditions {
			if c.Type != foreign.Type && c.ObservedGeneration != gateway.Generation {
				return fmt.Errorf("%s is of generation %d, not %d", c.Type, c.ObservedGeneration, gateway.Generation)
			}
		}
		return nil
	})
	kept := meta.FindStatusCondition(get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Conditions, foreign.Type)
	require.NotNil(t, kept)
	assert.Equal(t, foreign.Message, kept.Message)
	assert.True(t, foreign.LastTransitionTime.Equal(&kept.LastTransitionTime))
}

func TestAStatusThatSomebodyOverwritesComesBack(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "Accepted", "True", "", "")
	eventually(t, "the status to be wiped out", func() error {
		route := get(t, &gatewayv1.HTTPRoute{}, ns, "web")
		route.Status.Parents = []gatewayv1.RouteParentStatus{}
		return cluster.Status().Update(t.Context(), route)
	})
	eventuallyCondition(t, ofRoute(t, ns, "web"), "Accepted", "True", "", "")

	counted := func() error {
		if l := get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Listeners; len(l) != 1 || l[0].AttachedRoutes != 1 {
			return fmt.Errorf("listeners are %+v", l)
		}
		return nil
	}
	eventually(t, "the attached route to be counted", counted)
	eventually(t, "the Gateway's status to be wiped out", func() error {
		gateway := get(t, &gatewayv1.Gateway{}, ns, "edge")
		gateway.Status.Listeners = nil
		return cluster.Status().Update(t.Context(), gateway)
	})
	eventually(t, "the attached route to be counted again", counted)
}

// A route that is deleted and made again within one debounce is another object that says the same.
func TestARouteThatIsMadeAnewGetsAStatus(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "Accepted", "True", "", "")
	for range 5 {
		remove(t, &gatewayv1.HTTPRoute{}, ns, "web")
		apply(t, ns, webRoute)
		eventuallyCondition(t, ofRoute(t, ns, "web"), "Accepted", "True", "", "")
	}
}

func TestNothingIsLeftInOtherNamespaces(t *testing.T) {
	startOperator(t)
	ns, backends := namespace(t), namespace(t)
	apply(t, backends, grant(ns))
	apply(t, ns, class+"---"+edge+"---"+routeTo("web", backends))
	eventuallyAccesses(t, backends, 2)
	require.NotEmpty(t, get(t, &gatewayv1.Gateway{}, ns, "edge").Finalizers)
	remove(t, &gatewayv1.Gateway{}, ns, "edge")
	eventually(t, "the Gateway to be gone", func() error {
		err := cluster.Get(t.Context(), clientKey(ns, "edge"), &gatewayv1.Gateway{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		return errors.Join(errors.New("it is there"), err)
	})
	assert.Zero(t, accesses(t, backends))
	eventually(t, "the route to have no parent of ours", func() error {
		if n := len(get(t, &gatewayv1.HTTPRoute{}, ns, "web").Status.Parents); n > 0 {
			return fmt.Errorf("%d parents", n)
		}
		return nil
	})
}

func TestAccessToEndpointsEndsWithTheLastRouteThatNeedsIt(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	bindings := func() error {
		var list rbacv1.RoleBindingList
		require.NoError(t, cluster.List(t.Context(), &list, inNamespace(ns)))
		if len(list.Items) != 2 {
			return fmt.Errorf("%d RoleBindings", len(list.Items))
		}
		return nil
	}
	eventually(t, "access to the endpoints", bindings)
	remove(t, &gatewayv1.HTTPRoute{}, ns, "web")
	eventually(t, "the access to be withdrawn", func() error {
		if bindings() == nil {
			return errors.New("it is there")
		}
		return nil
	})
}

func TestTheLongestNameWorks(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	name := strings.Repeat("abcdefghi.", 25) + "abc"
	require.Len(t, name, 253)
	apply(t, ns, class+"---"+strings.Replace(edge, "name: edge", "name: "+name, 1)+"---"+
		webService+strings.Replace(webRoute, "name: edge", "name: "+name, 1))
	eventuallyCondition(t, ofGateway(t, ns, name), "Programmed", "False", "Pending", "no pod")
	eventually(t, "the routing to be published", func() error {
		config := &corev1.ConfigMap{}
		if err := cluster.Get(t.Context(), clientKey(ns, gatewaypod.ConfigMapName(name)), config); err != nil {
			return err
		}
		head, err := routing.Decode([]byte(config.Data[routing.File]))
		if err == nil && len(head.Routes) != 1 {
			err = errors.New("without the route")
		}
		return err
	})
	var services corev1.ServiceList
	require.NoError(t, cluster.List(t.Context(), &services, inNamespace(ns), client.HasLabels{gatewayv1.GatewayNameLabelKey}))
	assert.Len(t, services.Items, 1)
}
