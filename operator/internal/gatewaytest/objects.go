// Package gatewaytest builds Gateway API objects for tests, each in a line. Every builder takes changes
// that are made to the object at the end.
package gatewaytest

import (
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// Class is the name of the GatewayClass that Gateways have.
const Class = "varnish"

// Ref returns a pointer to a value, for optional fields.
func Ref[T any](value T) *T { return &value }

// meta gives an object what an API server would.
func meta(kind, namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{
		Namespace:         namespace,
		Name:              name,
		UID:               types.UID(kind + "-" + namespace + "-" + name),
		Generation:        1,
		CreationTimestamp: metav1.NewTime(time.Unix(1_700_000_000, 0)),
	}
}

// GatewayClass builds a class of ours.
func GatewayClass(name string, changes ...func(*gatewayv1.GatewayClass)) *gatewayv1.GatewayClass {
	return changed(&gatewayv1.GatewayClass{
		ObjectMeta: meta("class", "", name),
		Spec:       gatewayv1.GatewayClassSpec{ControllerName: inputs.ControllerName},
	}, changes)
}

// Gateway builds a Gateway of Class with the given listeners.
func Gateway(namespace, name string, listeners []gatewayv1.Listener, changes ...func(*gatewayv1.Gateway)) *gatewayv1.Gateway {
	return changed(&gatewayv1.Gateway{
		ObjectMeta: meta("gateway", namespace, name),
		Spec:       gatewayv1.GatewaySpec{GatewayClassName: Class, Listeners: listeners},
	}, changes)
}

// HTTPListener builds a listener of protocol HTTP that takes routes of all namespaces.
func HTTPListener(name string, port int32, changes ...func(*gatewayv1.Listener)) gatewayv1.Listener {
	return *changed(&gatewayv1.Listener{
		Name:     gatewayv1.SectionName(name),
		Port:     port,
		Protocol: gatewayv1.HTTPProtocolType,
		AllowedRoutes: &gatewayv1.AllowedRoutes{
			Namespaces: &gatewayv1.RouteNamespaces{From: Ref(gatewayv1.NamespacesFromAll)},
		},
	}, changes)
}

// HTTPRoute builds a route to a Gateway, with the given rules.
func HTTPRoute(namespace, name string, gateway types.NamespacedName, rules []gatewayv1.HTTPRouteRule, changes ...func(*gatewayv1.HTTPRoute)) *gatewayv1.HTTPRoute {
	return changed(&gatewayv1.HTTPRoute{
		ObjectMeta: meta("route", namespace, name),
		Spec: gatewayv1.HTTPRouteSpec{
			CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{
				Group:     Ref(gatewayv1.Group(gatewayv1.GroupName)),
				Kind:      Ref(gatewayv1.Kind("Gateway")),
				Namespace: Ref(gatewayv1.Namespace(gateway.Namespace)),
				Name:      gatewayv1.ObjectName(gateway.Name),
			}}},
			Rules: rules,
		},
	}, changes)
}

// Rule builds a rule that sends requests with a path prefix to a Service.
func Rule(prefix, service string, port int32, changes ...func(*gatewayv1.HTTPRouteRule)) gatewayv1.HTTPRouteRule {
	return *changed(&gatewayv1.HTTPRouteRule{
		Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{
			Type: Ref(gatewayv1.PathMatchPathPrefix), Value: Ref(prefix),
		}}},
		BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{
			BackendObjectReference: gatewayv1.BackendObjectReference{
				Name: gatewayv1.ObjectName(service), Port: Ref(port),
			},
		}}},
	}, changes)
}

// Service builds a Service with one port, named http.
func Service(namespace, name string, port int32, changes ...func(*corev1.Service)) *corev1.Service {
	return changed(&corev1.Service{
		ObjectMeta: meta("service", namespace, name),
		Spec:       corev1.ServiceSpec{Ports: []corev1.ServicePort{{Name: "http", Port: port}}},
	}, changes)
}

func changed[T any](object *T, changes []func(*T)) *T {
	for _, change := range changes {
		change(object)
	}
	return object
}
