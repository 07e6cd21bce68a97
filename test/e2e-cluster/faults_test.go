//go:build cluster

package e2ecluster

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"
)

// apiServerAway is how long the API server stays away.
const apiServerAway = time.Minute

// TestFaultsUnderSteadyLoad counts what clients see while parts of the system fail or change.
func TestFaultsUnderSteadyLoad(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 2)
	address := secureGateway(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	scale(t, ns, "web", 2)
	answers(t, address, "/one", 200)

	for _, fault := range []struct {
		name string
		do   func(t *testing.T)
		// ended is how many pods of the gateway end.
		ended int
	}{
		{"a gateway pod is deleted", func(t *testing.T) {
			name := slices.Sorted(maps.Keys(pods(t, ns, "web")))[0]
			do(t, "-n", ns, "delete", "pod", name, "--timeout=100s")
			rolledOut(t, ns, "web")
		}, 1},
		{"the operator is killed", func(t *testing.T) {
			do(t, "-n", operatorNamespace, "delete", "pod", "-l", "app.kubernetes.io/component=operator", "--grace-period=0", "--force")
			rolledOut(t, operatorNamespace, operatorName)
		}, 0},
		{"the gateway's pods roll", func(t *testing.T) {
			apply(t, ns, gatewayManifest("web", bothListeners+", {name: other, port: 8080, protocol: HTTP}"))
			programmed(t, ns, "web")
			rolledOut(t, ns, "web")
		}, 2},
		{"2 pods become 4 and 2 again", func(t *testing.T) {
			scale(t, ns, "web", 4)
			scale(t, ns, "web", 2)
		}, 2},
		{"the backend's pods roll", func(t *testing.T) {
			do(t, "-n", ns, "rollout", "restart", "deployment/one")
			rolledOut(t, ns, "one")
		}, 0},
		{"the API server is away", func(t *testing.T) {
			cluster(t, "stop", "apiserver")
			back := time.NewTimer(apiServerAway)
			<-back.C
			cluster(t, "start", "apiserver")
			eventually(t, "the API server", func() error { _, err := kubectl(t.Context(), "", "get", "--raw", "/readyz"); return err })
		}, 0},
	} {
		t.Run(fault.name, func(t *testing.T) {
			run := steady(t, address, "/one")
			began := time.Now()
			fault.do(t)
			ended(t, ns)
			run.more(200)
			run.end(fmt.Sprintf("%s, %s", fault.name, time.Since(began).Round(time.Second)), fault.ended)
		})
	}
}
