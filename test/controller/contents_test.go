//go:build apiserver

package controller

import (
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// servedByTwo is a namespace whose Gateway edge is programmed, and one of the two pods.
func servedByTwo(t *testing.T, address string) (string, *pod) {
	t.Helper()
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	startPod(t, ns, "edge")
	second := startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", address)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	return ns, second
}

func TestAPodThatDoesNotTakeNewRoutesIsTold(t *testing.T) {
	startOperator(t)
	ns, slow := servedByTwo(t, "192.0.2.61")
	slow.freeze()
	apply(t, ns, strings.Replace(webRoute, "name: web}\nspec", "name: second}\nspec", 1))
	eventuallyRoutes(t, ns, "second", "web")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", "Pod "+slow.name+" runs routing configuration")
	slow.thaw(t)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
}

// A ConfigMap that was made anew counts from one: a pod with a higher sequence runs something else all the same.
func TestPodsAreComparedByContentAndNotByNumber(t *testing.T) {
	startOperator(t)
	ns, slow := servedByTwo(t, "192.0.2.62")
	for _, name := range []string{"one", "two", "three"} {
		apply(t, ns, strings.Replace(webRoute, "name: web}\nspec", "name: "+name+"}\nspec", 1))
	}
	eventuallyRoutes(t, ns, "one", "three", "two", "web")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	slow.freeze()
	remove(t, &corev1.ConfigMap{}, ns, gatewaypod.ConfigMapName("edge"))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", "Pod "+slow.name+" runs")
	slow.thaw(t)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
}
