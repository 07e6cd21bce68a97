//go:build apiserver

package controller

import (
	"fmt"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// classOf is a GatewayClass of a controller.
func classOf(name, controller string) string {
	return fmt.Sprintf("\napiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: %s}\nspec: {controllerName: %s}\n", name, controller)
}

// ofClass gives the Gateway of a manifest another class.
func ofClass(manifest, class string) string {
	return strings.ReplaceAll(manifest, "gatewayClassName: varnish", "gatewayClassName: "+class)
}

// servingGateway makes a namespace with the Gateway edge of a class of its own, a route, a pod and an address, and waits until
// it is programmed. The class is named as the namespace, which is returned.
func servingGateway(t *testing.T) string {
	t.Helper()
	return servingGatewayOf(t, "varnish.io/gateway-controller")
}

func servingGatewayOf(t *testing.T, controller string) string {
	t.Helper()
	ns := namespace(t)
	removeClass(t, ns)
	apply(t, ns, classOf(ns, controller)+"---"+ofClass(withParameters("{podDisruptionBudget: {minAvailable: 1}}"), ns)+"---"+web)
	startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.20")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	return ns
}

func objectMeta(namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: namespace, Name: name}
}
