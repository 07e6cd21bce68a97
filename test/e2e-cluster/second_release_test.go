//go:build cluster

package e2ecluster

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestASecondReleaseLeavesTheFirstAlone: it has a class, a controller name and a gateway image of its own. One that would have
// the first one's controller name is refused.
func TestASecondReleaseLeavesTheFirstAlone(t *testing.T) {
	const second = "second"
	ns := namespace(t)
	backend(t, ns, "one", 1)
	address := gateway(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	answers(t, address, "/one", 200)
	generation := func() string {
		return do(t, "-n", ns, "get", "deployment", "web", "-o", "jsonpath={.metadata.generation}")
	}
	before, podsBefore := generation(), pods(t, ns, "web")

	arguments := func(release string, further ...string) []string {
		return append([]string{
			"install", release, chart(t), "--set", "gatewayClass.name=" + release, "--set", "crds.install=false",
			"--set-string", "operator.image.tag=" + version(t, "OPERATOR"),
			"--set-string", "gateway.image.tag=" + anotherTag(t, "gateway", "GATEWAY", "second"),
			"--wait", "--timeout", "2m",
		}, further...)
	}
	out, err := tryHelm(t.Context(), t, arguments("third", "--set", "controllerName=varnish.io/gateway-controller")...)
	require.Error(t, err)
	require.Contains(t, out, "GatewayClass varnish of release "+operatorNamespace+"/"+operatorName+" has the controller name varnish.io/gateway-controller already")

	t.Cleanup(func() {
		// The context of the test has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
		defer cancel()
		out, err := tryHelm(ctx, t, "uninstall", second, "--wait")
		assert.NoError(t, err, out)
	})
	helm(t.Context(), t, arguments(second)...)
	do(t, "wait", "--for=condition=Accepted", "--timeout=60s", "gatewayclass/"+second)
	require.Equal(t, "varnish.io/"+second, do(t, "get", "gatewayclass", second, "-o", "jsonpath={.spec.controllerName}"))
	apply(t, ns, gatewayOf(second, "other", http80, ""))
	programmed(t, ns, "other")

	require.Equal(t, before, generation(), "the first release's Deployment is not written")
	require.Equal(t, podsBefore, pods(t, ns, "web"))
	answers(t, address, "/one", 200)
	for name, controller := range map[string]string{"web": "varnish.io/gateway-controller", "other": "varnish.io/" + second} {
		maker := do(t, "-n", ns, "get", "service", name, "-o", `jsonpath={.metadata.annotations.gateway\.varnish\.io/controller}`)
		require.Equal(t, controller, maker)
	}
	do(t, "-n", ns, "delete", "gateway", "other", "--timeout=60s")
}

// TestDeletingAClassLeavesItsGatewaysAndRoutesTheirStatus, which external-dns reads.
func TestDeletingAClassLeavesItsGatewaysAndRoutesTheirStatus(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	class(t, ns, "{}")
	apply(t, ns, gatewayOf(ns, "web", http80, ""))
	address := programmed(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	answers(t, address, "/one", 200)

	do(t, "delete", "gatewayclass", ns)
	do(t, "-n", ns, "wait", "--for=condition=gateway.varnish.io/ClassMissing", "--timeout=60s", "gateway/web")
	do(t, "-n", operatorNamespace, "rollout", "restart", "deployment/"+operatorName)
	rolledOut(t, operatorNamespace, operatorName)
	apply(t, ns, route("two", "web", "/two", "one"))
	answers(t, address, "/two", 200)
	for _, name := range []string{"one", "two"} {
		require.Equal(t, "True", do(t, "-n", ns, "get", "httproute", name, "-o", `jsonpath={.status.parents[0].conditions[?(@.type=="Accepted")].status}`))
	}
	require.Equal(t, "True", do(t, "-n", ns, "get", "gateway", "web", "-o", `jsonpath={.status.conditions[?(@.type=="Programmed")].status}`))
}
