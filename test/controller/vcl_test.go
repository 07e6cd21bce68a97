//go:build apiserver

package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// userVCL is the ConfigMap of the class that withVCL makes.
func userVCL(text string) string {
	return fmt.Sprintf("\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: vcl}\ndata: {main.vcl: %q}\n", text)
}

// withVCL makes a class with user VCL, for this test alone, and a Gateway of it.
func withVCL(t *testing.T, ns, text string) {
	t.Helper()
	apply(t, ns, strings.ReplaceAll(userVCL(text)+`---
apiVersion: gateway.varnish.io/v1alpha1
kind: GatewayClassParameters
metadata: {name: CLASS}
spec: {vcl: {namespace: $NS, name: vcl}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: CLASS}
spec:
  controllerName: varnish.io/gateway-controller
  parametersRef: {group: gateway.varnish.io, kind: GatewayClassParameters, name: CLASS}
---`+strings.Replace(edge, "gatewayClassName: varnish", "gatewayClassName: CLASS", 1)+"---"+web, "CLASS", ns))
	removeClass(t, ns)
}

// removeClass removes a GatewayClass when the test has ended.
func removeClass(t *testing.T, name string) {
	t.Cleanup(func() {
		class := &gatewayv1.GatewayClass{ObjectMeta: metav1.ObjectMeta{Name: name}}
		// The context of the test has ended by now.
		assert.NoError(t, client.IgnoreNotFound(cluster.Delete(context.Background(), class)))
	})
}

// publishedVCL is the Gateway's main.vcl.
func publishedVCL(t *testing.T, namespace string) string {
	t.Helper()
	return get(t, &corev1.ConfigMap{}, namespace, gatewaypod.ConfigMapName("edge")).Data["main.vcl"]
}

const refusal = "Message from VCC-compiler:\nExpected ';' got '}'\n('ConfigMap infra/vcl, key main.vcl' Line 1 Pos 9)"

func TestVCLThatDoesNotCompileIsToldWithItsLineAndNotPublished(t *testing.T) {
	first := startOperator(t)
	ns := namespace(t)
	withVCL(t, ns, "sub vcl_recv { }")
	p := startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.3")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	before, pods := publishedVCL(t, ns), get(t, &appsv1.Deployment{}, ns, "edge")
	require.Contains(t, before, "sub vcl_recv { }")
	assert.Zero(t, p.checked(), "where nothing serves yet, VCL is published at once: there is nobody to check it")

	p.refuseVCL(refusal)
	apply(t, ns, userVCL("sub vcl_recv { set req.url = }"))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Invalid", "The VCL does not compile; the last good one serves.\n"+refusal)
	apply(t, ns, strings.Replace(webRoute, "name: web}\nspec", "name: second}\nspec", 1))
	eventuallyRoutes(t, ns, "second", "web")
	assert.Equal(t, before, publishedVCL(t, ns), "pods that start find the last good one, and nothing else")

	first.idle(t)
	first.stop(t)
	checked := p.checked()
	second := startOperator(t)
	eventually(t, "the VCL to be checked again", func() error {
		if p.checked() == checked {
			return errors.New("not yet")
		}
		return nil
	})
	second.idle(t)
	assert.Empty(t, second.writes(t), "a restart writes nothing, though the Gateway is not programmed")

	p.refuseVCL("")
	apply(t, ns, userVCL("sub vcl_recv { set req.url = req.url; }"))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	assert.Contains(t, publishedVCL(t, ns), "set req.url = req.url;")
	assert.Equal(t, pods.Generation, get(t, &appsv1.Deployment{}, ns, "edge").Generation, "VCL rolls no pods")
}

func TestWhatServesInThePlaceOfVCLIsTold(t *testing.T) {
	operator := startOperator(t)
	ns := namespace(t)
	withVCL(t, ns, "sub vcl_recv { set req.url = }")
	p := startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.5")
	p.refuseVCL(refusal)
	p.fallBack(refusal, "closed")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Invalid",
		"The VCL does not compile in pod "+p.name+": every request there is answered 503, since nothing may be served without it.\n"+refusal)
	require.Contains(t, publishedVCL(t, ns), " FailClosed ConfigMap "+ns+"/vcl, key main.vcl\n")
	for _, condition := range get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Listeners[0].Conditions {
		assert.NotContains(t, condition.Message, "\n", "the compiler's message is told once, by the Gateway")
	}

	apply(t, ns, strings.ReplaceAll(`
apiVersion: gateway.varnish.io/v1alpha1
kind: GatewayClassParameters
metadata: {name: CLASS}
spec: {vcl: {namespace: $NS, name: vcl, failureMode: FailOpen}}
`, "CLASS", ns))
	eventually(t, "the failure mode to be published, though the VCL compiles as little as before", func() error {
		if !strings.Contains(publishedVCL(t, ns), " FailOpen ConfigMap "+ns+"/vcl, key main.vcl\n") {
			return errors.New("not yet")
		}
		return nil
	})
	assert.Zero(t, p.checked(), "there is nothing to compile")
	source := "ConfigMap " + ns + "/vcl, key main.vcl"
	p.fallBack(refusal, "partial", source)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Invalid", "requests there are served without "+source+".")
	operator.idle(t)

	p.refuseVCL("")
	p.fallBack("", "")
	apply(t, ns, userVCL("sub vcl_recv { }"))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
}

func TestVCLWaitsForAPodThatCanCheckIt(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	withVCL(t, ns, "# one")
	eventually(t, "the first VCL to be published", func() error {
		return cluster.Get(t.Context(), clientKey(ns, gatewaypod.ConfigMapName("edge")), &corev1.ConfigMap{})
	})
	first := publishedVCL(t, ns)
	apply(t, ns, userVCL("# two"))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", "no pod answers that could check it")
	assert.Equal(t, first, publishedVCL(t, ns))
	p := startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.4")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	assert.Contains(t, publishedVCL(t, ns), "# two")
	assert.Equal(t, 1, p.checked())
}
