//go:build cluster

package e2ecluster

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestAGatewayPodMayDoNextToNothing: it reads its own objects by name and EndpointSlices, and writes nothing.
func TestAGatewayPodMayDoNextToNothing(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	address := gateway(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	answers(t, address, "/one", 200)
	account := do(t, "-n", ns, "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.serviceAccountName}")
	user := "--as=system:serviceaccount:" + ns + ":" + account
	t.Log("\n" + do(t, "-n", ns, "auth", "can-i", "--list", user))
	may := func(args ...string) bool {
		out, err := kubectl(t.Context(), "", append([]string{"-n", ns, "auth", "can-i", user}, args...)...)
		// Beside its answer, kubectl says "no" by how it ends.
		answer, _, _ := strings.Cut(strings.TrimSpace(out), " ")
		require.Contains(t, []string{"yes", "no"}, answer, "can-i %s: %v", args, err)
		return answer == "yes"
	}
	require.True(t, may("get", "configmaps/web-varnish-gateway"))
	require.True(t, may("list", "endpointslices.discovery.k8s.io"))
	require.False(t, may("list", "configmaps"))
	require.False(t, may("list", "secrets"))
	for _, verb := range []string{"create", "update", "patch", "delete"} {
		for _, kind := range []string{"configmaps", "configmaps/web-varnish-gateway", "secrets", "pods", "services", "deployments.apps", "gateways.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io/web", "httproutes.gateway.networking.k8s.io", "endpointslices.discovery.k8s.io"} {
			require.False(t, may(verb, kind), "%s %s", verb, kind)
		}
	}
}
