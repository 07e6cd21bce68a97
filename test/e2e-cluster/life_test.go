//go:build cluster

package e2ecluster

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// TestAGatewayPodMayDoNextToNothing: it reads its own objects by name and EndpointSlices, and writes nothing.
func TestAGatewayPodMayDoNextToNothing(t *testing.T) {
	ns := namespace(t)
	gateway(t, ns, "web")
	account := do(t, "-n", ns, "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.serviceAccountName}")
	user := "--as=system:serviceaccount:" + ns + ":" + account
	t.Log("\n" + do(t, "-n", ns, "auth", "can-i", "--list", user))
	may := func(args ...string) bool {
		out, _ := kubectl(t.Context(), "", append([]string{"-n", ns, "auth", "can-i", user}, args...)...)
		return strings.HasPrefix(out, "yes")
	}
	require.True(t, may("get", "configmaps/web"))
	require.False(t, may("list", "configmaps"))
	require.False(t, may("list", "secrets"))
	for _, verb := range []string{"create", "update", "patch", "delete"} {
		for _, kind := range []string{"configmaps", "configmaps/web", "secrets", "pods", "services", "deployments.apps", "gateways.gateway.networking.k8s.io", "gateways.gateway.networking.k8s.io/web", "httproutes.gateway.networking.k8s.io", "endpointslices.discovery.k8s.io"} {
			require.False(t, may(verb, kind), "%s %s", verb, kind)
		}
	}
}

// TestVCLThatDoesNotCompileLeavesTheLastGoodOne, also in pods that start meanwhile.
func TestVCLThatDoesNotCompileLeavesTheLastGoodOne(t *testing.T) {
	ns := namespace(t)
	vcl := func(body string) {
		indented := strings.ReplaceAll("vcl 4.1;\n"+body, "\n", "\n    ")
		apply(t, ns, "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: web-vcl}\ndata:\n  main.vcl: |\n    "+indented+"\n")
	}
	vcl(`sub vcl_deliver { set resp.http.X-VCL = "good"; }`)
	apply(t, ns, "{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: e2e-vcl}, spec: {controllerName: varnish.io/gateway-controller, parametersRef: {group: gateway.varnish.io, kind: GatewayClassParameters, name: e2e-vcl}}}")
	apply(t, ns, "{apiVersion: gateway.varnish.io/v1alpha1, kind: GatewayClassParameters, metadata: {name: e2e-vcl}, spec: {vcl: {namespace: "+ns+", name: web-vcl}}}")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_, err := kubectl(ctx, "", "delete", "gatewayclass/e2e-vcl", "gatewayclassparameters/e2e-vcl", "--wait=false")
		require.NoError(t, err)
	})
	backend(t, ns, "one", 1)
	apply(t, ns, strings.Replace(gatewayManifest("web", "{name: http, port: 80, protocol: HTTP}"), "gatewayClassName: varnish", "gatewayClassName: e2e-vcl", 1))
	address := programmed(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	goodVCL := func(address string) {
		eventually(t, "the good VCL's header from "+address, func() error {
			response, err := http.Get("http://" + address + "/one")
			if err != nil {
				return err
			}
			response.Body.Close()
			if response.StatusCode != 200 || response.Header.Get("X-VCL") != "good" {
				return fmt.Errorf("status %d, header %q", response.StatusCode, response.Header.Get("X-VCL"))
			}
			return nil
		})
	}
	goodVCL(address)

	vcl("sub vcl_deliver {\n  set resp.http.X-VCL = nonsense;\n}")
	eventually(t, "the compiler's words in a condition", func() error {
		out, err := kubectl(t.Context(), "", "-n", ns, "get", "gateway", "web", "-o", "jsonpath={.status.conditions}")
		if err == nil && (!strings.Contains(out, "nonsense") || !strings.Contains(out, "Line")) {
			err = fmt.Errorf("conditions %s", out)
		}
		return err
	})
	goodVCL(address)
	scale(t, ns, "web", 2)
	for name := range pods(t, ns, "web") {
		ip := do(t, "-n", ns, "get", "pod", name, "-o", "jsonpath={.status.podIP}")
		goodVCL(ip)
	}
}

// TestDeletingAGatewayLeavesNothing, not in other namespaces either.
func TestDeletingAGatewayLeavesNothing(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	address := gateway(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	answers(t, address, "/one", 200)
	do(t, "-n", ns, "delete", "gateway", "web", "--timeout=60s")
	eventually(t, "everything gone", func() error {
		out, err := kubectl(t.Context(), "", "get", "-A", "deployments,services,serviceaccounts,configmaps,secrets,roles,rolebindings,pods",
			"-l", "gateway.networking.k8s.io/gateway-name=web", "-o", "name")
		if err == nil && out != "" {
			err = fmt.Errorf("left: %s", out)
		}
		return err
	})
}

// TestUninstallingTheOperatorLeavesGatewaysServing, and installing it again rolls no pods.
func TestUninstallingTheOperatorLeavesGatewaysServing(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	address := gateway(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	answers(t, address, "/one", 200)
	before := pods(t, ns, "web")
	run := steady(t, address, "/one")
	version := os.Getenv("VERSION")
	require.NotEmpty(t, version, "VERSION must name the tag of the images")

	helm(t, "uninstall", operatorName, "--wait")
	more(t, run, 500)
	require.Equal(t, "web", do(t, "-n", ns, "get", "gateway", "web", "-o", "jsonpath={.metadata.name}"))
	helm(t, "install", operatorName, chart(t), "--set", "operator.image.tag="+version, "--set", "gateway.image.tag="+version, "--wait", "--timeout", "2m")
	apply(t, ns, route("two", "web", "/two", "one"))
	answers(t, address, "/two", 200)
	result := run.Stop()
	require.Zero(t, result.Failed(), result.String())
	require.Equal(t, before, pods(t, ns, "web"))
}

// TestAnUpgradeOfTheGatewaysImageRollsItsPodsWithoutLoss, and one of the operator's alone rolls none.
func TestAnUpgradeOfTheGatewaysImageRollsItsPodsWithoutLoss(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	address := gateway(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	answers(t, address, "/one", 200)
	scale(t, ns, "web", 2)
	version := os.Getenv("VERSION")
	require.NotEmpty(t, version, "VERSION must name the tag of the images")
	next := version + "-next"
	for _, image := range []string{"gateway", "operator"} {
		cluster(t, "tag", "ghcr.io/varnish-gateway/"+image+":"+version, "ghcr.io/varnish-gateway/"+image+":"+next)
	}
	upgrade := func(operator, gateway string) {
		helm(t, "upgrade", operatorName, chart(t), "--set", "operator.image.tag="+operator, "--set", "gateway.image.tag="+gateway, "--wait", "--timeout", "2m")
	}
	before := pods(t, ns, "web")
	run := steady(t, address, "/one")

	upgrade(next, version)
	apply(t, ns, route("two", "web", "/two", "one"))
	answers(t, address, "/two", 200)
	require.Equal(t, before, pods(t, ns, "web"))

	upgrade(next, next)
	eventually(t, "the new image in every pod", func() error {
		out, err := kubectl(t.Context(), "", "-n", ns, "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}")
		if err == nil && !strings.HasSuffix(out, next) {
			err = fmt.Errorf("image %s", out)
		}
		return err
	})
	rolledOut(t, ns, "web")
	programmed(t, ns, "web")
	ended(t, ns)
	more(t, run, 200)
	result := run.Stop()
	t.Logf("rolled by another image: %s", result)
	require.Zero(t, result.Failed(), result.String())
	for name := range pods(t, ns, "web") {
		require.NotContains(t, before, name)
	}
	upgrade(version, version)
}

// routes is how many the gateway must bear.
const routes = 3000

// TestThousandsOfRoutesAreAcceptedAndAnswered, and a restart of the operator writes nothing.
func TestThousandsOfRoutesAreAcceptedAndAnswered(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	address := gateway(t, ns, "web")
	began := time.Now()
	const batch = 250
	for first := 0; first < routes; first += batch {
		var manifests strings.Builder
		for i := first; i < first+batch; i++ {
			manifests.WriteString(route(fmt.Sprintf("route-%04d", i), "web", fmt.Sprintf("/path-%04d", i), "one"))
		}
		_, err := kubectl(t.Context(), manifests.String(), "-n", ns, "create", "-f", "-")
		require.NoError(t, err)
	}
	t.Logf("%d routes created in %s", routes, time.Since(began).Round(time.Second))
	eventually(t, "every route accepted", func() error {
		out, err := kubectl(t.Context(), "", "-n", ns, "get", "gateway", "web", "-o", "jsonpath={.status.listeners[0].attachedRoutes}")
		if err == nil && out != fmt.Sprint(routes) {
			err = fmt.Errorf("%s attached", out)
		}
		return err
	})
	for i := range routes {
		path := fmt.Sprintf("/path-%04d", i)
		if status, _, err := get(t.Context(), address, path); err != nil || status != 200 {
			answers(t, address, path, 200)
		}
	}
	t.Logf("all answered after %s", time.Since(began).Round(time.Second))
	accepted := do(t, "-n", ns, "get", "httproutes", "-o", `jsonpath={range .items[*]}{.status.parents[0].conditions[?(@.type=="Accepted")].status}{"\n"}{end}`)
	require.Equal(t, routes, strings.Count(accepted, "True"))

	versions := func() string {
		return do(t, "-n", ns, "get", "configmaps,deployments,gateways,httproutes", "-o", `jsonpath={range .items[*]}{.kind}{.metadata.name}{.metadata.resourceVersion}{"\n"}{end}`)
	}
	before := versions()
	do(t, "-n", operatorNamespace, "rollout", "restart", "deployment/"+operatorName)
	rolledOut(t, operatorNamespace, operatorName)
	apply(t, ns, gatewayManifest("second", "{name: http, port: 80, protocol: HTTP}"))
	programmed(t, ns, "second")
	after := map[string]bool{}
	for line := range strings.Lines(versions()) {
		after[strings.TrimSpace(line)] = true
	}
	for line := range strings.Lines(before) {
		require.True(t, after[strings.TrimSpace(line)], "written by a restart: %s", line)
	}
}
