//go:build cluster

package e2ecluster

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
)

// TestThreePathsOfAChange: what travels as routing or as VCL leaves pods alone, what is of the pod template rolls them.
// The pods' start times are the witness.
func TestThreePathsOfAChange(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	backend(t, ns, "two", 1)
	address := gateway(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	answers(t, address, "/one", 200)
	apply(t, ns, fmt.Sprintf("{apiVersion: gateway.varnish.io/v1alpha1, kind: GatewayParameters, metadata: {name: web}, spec: {trustedHops: [%s]}}", "10.9.0.0/16"))
	before := pods(t, ns, "web")
	require.Len(t, before, 1)

	t.Run("a route", func(t *testing.T) {
		apply(t, ns, route("two", "web", "/two", "two"))
		answers(t, address, "/two", 200)
		require.Equal(t, before, pods(t, ns, "web"))
	})
	t.Run("an endpoint", func(t *testing.T) {
		scale(t, ns, "two", 0)
		answers(t, address, "/two", 503)
		do(t, "-n", ns, "scale", "deployment", "two", "--replicas=1")
		answers(t, address, "/two", 200)
		require.Equal(t, before, pods(t, ns, "web"))
	})
	t.Run("a listener on a port that is open", func(t *testing.T) {
		apply(t, ns, gatewayManifest("web", "{name: http, port: 80, protocol: HTTP}, {name: shop, port: 80, protocol: HTTP, hostname: shop.example}"))
		programmed(t, ns, "web")
		require.Equal(t, before, pods(t, ns, "web"))
	})
	t.Run("a listener on another port", func(t *testing.T) {
		apply(t, ns, gatewayManifest("web", "{name: http, port: 80, protocol: HTTP}, {name: other, port: 8080, protocol: HTTP}"))
		eventually(t, "the other port answers", func() error {
			_, _, err := get(t.Context(), address+":8080", "/one")
			return err
		})
		rolledOut(t, ns, "web")
		programmed(t, ns, "web")
		for name := range pods(t, ns, "web") {
			require.NotContains(t, before, name)
		}
	})
	t.Run("a restart of the operator", func(t *testing.T) {
		rolled := pods(t, ns, "web")
		do(t, "-n", operatorNamespace, "rollout", "restart", "deployment/"+operatorName)
		rolledOut(t, operatorNamespace, operatorName)
		apply(t, ns, route("again", "web", "/again", "one"))
		answers(t, address, "/again", 200)
		require.Equal(t, rolled, pods(t, ns, "web"))
	})
}

// TestReplicasBelongToWhoeverScales: no change that the operator makes sets the number of pods.
func TestReplicasBelongToWhoeverScales(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	address := gateway(t, ns, "web")
	change := func(t *testing.T, want string) {
		apply(t, ns, route("one", "web", "/one", "one"))
		answers(t, address, "/one", 200)
		require.Equal(t, want, replicas(t, ns, "web"))
		before := pods(t, ns, "web")
		apply(t, ns, gatewayManifest("web", "{name: http, port: 80, protocol: HTTP}, {name: other, port: 8080, protocol: HTTP}"))
		eventually(t, "pods rolled", func() error {
			for name := range pods(t, ns, "web") {
				if _, old := before[name]; old {
					return fmt.Errorf("%s is still there", name)
				}
			}
			return nil
		})
		rolledOut(t, ns, "web")
		require.Equal(t, want, replicas(t, ns, "web"))
		apply(t, ns, gatewayManifest("web", "{name: http, port: 80, protocol: HTTP}"))
		programmed(t, ns, "web")
		rolledOut(t, ns, "web")
		require.Equal(t, want, replicas(t, ns, "web"))
	}
	t.Run("by hand", func(t *testing.T) {
		scale(t, ns, "web", 2)
		change(t, "2")
	})
	t.Run("by an autoscaler", func(t *testing.T) {
		apply(t, ns, "{apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: web}, spec: {minReplicas: 3, maxReplicas: 4, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]}}")
		eventually(t, "the autoscaler's minimum", func() error {
			if n := replicas(t, ns, "web"); n != "3" {
				return fmt.Errorf("%s replicas", n)
			}
			return nil
		})
		rolledOut(t, ns, "web")
		change(t, "3")
	})
}
