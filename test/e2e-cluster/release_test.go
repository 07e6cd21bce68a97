//go:build cluster

package e2ecluster

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// version of an image that `make cluster` has loaded: OPERATOR or GATEWAY.
func version(t *testing.T, image string) string {
	t.Helper()
	tag := os.Getenv(image + "_VERSION")
	require.NotEmpty(t, tag, "%s_VERSION must name the tag of the image", image)
	return tag
}

// install makes the release one of a chart with these images, whatever it is now.
func install(ctx context.Context, t *testing.T, chart, operator, gateway string, args ...string) {
	t.Helper()
	helm(ctx, t, append([]string{
		"upgrade", "--install", operatorName, chart,
		"--set-string", "operator.image.tag=" + operator, "--set-string", "gateway.image.tag=" + gateway,
		"--wait", "--timeout", "2m",
	}, args...)...)
}

// restore makes the release what `make cluster` has made it, when the test has ended.
func restore(t *testing.T) {
	t.Helper()
	operator, gateway := version(t, "OPERATOR"), version(t, "GATEWAY")
	t.Cleanup(func() {
		// The context of the test has ended by now.
		ctx, cancel := context.WithTimeout(context.Background(), 2*patience)
		defer cancel()
		install(ctx, t, chart(t), operator, gateway)
	})
}

// TestUninstallingTheOperatorLeavesGatewaysServing, and installing it again rolls no pods.
func TestUninstallingTheOperatorLeavesGatewaysServing(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	address := secureGateway(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	answers(t, address, "/one", 200)
	before := pods(t, ns, "web")
	run := steady(t, address, "/one")

	restore(t)
	helm(t.Context(), t, "uninstall", operatorName, "--wait")
	run.more(500)
	require.Equal(t, "web", do(t, "-n", ns, "get", "gateway", "web", "-o", "jsonpath={.metadata.name}"))
	install(t.Context(), t, chart(t), version(t, "OPERATOR"), version(t, "GATEWAY"))
	apply(t, ns, route("two", "web", "/two", "one"))
	answers(t, address, "/two", 200)
	run.end("the operator is uninstalled, and installed again", 0)
	require.Equal(t, before, pods(t, ns, "web"))
}

// TestAnUpgradeOfTheGatewaysImageRollsItsPodsWithoutLoss, and one of the operator's alone rolls none.
func TestAnUpgradeOfTheGatewaysImageRollsItsPodsWithoutLoss(t *testing.T) {
	ns := namespace(t)
	backend(t, ns, "one", 1)
	address := secureGateway(t, ns, "web")
	apply(t, ns, route("one", "web", "/one", "one"))
	answers(t, address, "/one", 200)
	scale(t, ns, "web", 2)
	operator, nextOperator := version(t, "OPERATOR"), anotherTag(t, "operator", "OPERATOR", "next")
	gateway, nextGateway := version(t, "GATEWAY"), anotherTag(t, "gateway", "GATEWAY", "next")
	before := pods(t, ns, "web")
	run := steady(t, address, "/one")

	restore(t)
	install(t.Context(), t, chart(t), nextOperator, gateway)
	apply(t, ns, route("two", "web", "/two", "one"))
	answers(t, address, "/two", 200)
	require.Equal(t, before, pods(t, ns, "web"))

	install(t.Context(), t, chart(t), operator, nextGateway)
	replaced(t, ns, "web", before)
	ended(t, ns)
	run.more(200)
	run.end("rolled by another image", len(before))
	require.Contains(t, do(t, "-n", ns, "get", "deployment", "web", "-o", "jsonpath={.spec.template.spec.containers[0].image}"), nextGateway)
}

// anotherTag gives an image that is loaded a second name, and returns its tag.
func anotherTag(t *testing.T, image, variable, suffix string) string {
	t.Helper()
	tag := version(t, variable)
	cluster(t, "tag", imageName(image)+":"+tag, imageName(image)+":"+tag+"-"+suffix)
	return tag + "-" + suffix
}

func imageName(image string) string { return "ghcr.io/varnish-gateway/" + image }

// olderChart is the chart as it was before GatewayParameters had the field podDisruptionBudget.
func olderChart(t *testing.T) string {
	t.Helper()
	older := filepath.Join(t.TempDir(), "chart")
	require.NoError(t, os.CopyFS(older, os.DirFS(chart(t))))
	path := filepath.Join(older, "manifests/crd/gateway.varnish.io_gatewayparameters.yaml")
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var definition map[string]any
	require.NoError(t, yaml.Unmarshal(data, &definition))
	at := any(definition)
	for _, key := range []string{"spec", "versions", "0", "schema", "openAPIV3Schema", "properties", "spec", "properties"} {
		if list, ok := at.([]any); ok {
			at = list[0]
			continue
		}
		at = at.(map[string]any)[key]
	}
	require.Contains(t, at, "podDisruptionBudget")
	delete(at.(map[string]any), "podDisruptionBudget")
	data, err = yaml.Marshal(definition)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, data, 0o644))
	return older
}

// TestAnUpgradeBringsNewFieldsOfOurDefinitions, and rolls no pods.
func TestAnUpgradeBringsNewFieldsOfOurDefinitions(t *testing.T) {
	ns := namespace(t)
	operator, gatewayTag := version(t, "OPERATOR"), version(t, "GATEWAY")
	restore(t)
	install(t.Context(), t, olderChart(t), operator, gatewayTag)
	gateway(t, ns, "web")
	before := pods(t, ns, "web")
	withBudget := parameters("web", "{podDisruptionBudget: {minAvailable: 1}}")
	eventually(t, "the older definition not to know the field", func() error {
		_, err := kubectl(t.Context(), withBudget, "-n", ns, "create", "--dry-run=server", "--validate=strict", "-f", "-")
		if err == nil || !strings.Contains(err.Error(), "podDisruptionBudget") {
			return fmt.Errorf("creating it says: %v", err)
		}
		return nil
	})

	install(t.Context(), t, chart(t), operator, gatewayTag)
	eventually(t, "the field to be known", func() error {
		_, err := kubectl(t.Context(), withBudget, "-n", ns, "apply", "--server-side", "-f", "-")
		return err
	})
	apply(t, ns, gatewayOf("varnish", "web", http80, "web"))
	eventually(t, "the field to take effect", func() error {
		_, err := kubectl(t.Context(), "", "-n", ns, "get", "poddisruptionbudget", gatewaypod.AccountName("web"))
		return err
	})
	programmed(t, ns, "web")
	require.Equal(t, before, pods(t, ns, "web"))
}

// TestTheChartMakesTheParametersOfItsClass also where it brings their definition itself, which Helm does not know yet then.
func TestTheChartMakesTheParametersOfItsClass(t *testing.T) {
	operator, gateway := version(t, "OPERATOR"), version(t, "GATEWAY")
	restore(t)
	helm(t.Context(), t, "uninstall", operatorName, "--wait")
	do(t, "delete", "crd", "gatewayparameters.gateway.varnish.io", "gatewayclassparameters.gateway.varnish.io", "--timeout=60s")
	hops := func() []string {
		var found []string
		require.NoError(t, json.Unmarshal([]byte(do(t, "get", "gatewayclassparameters", "varnish", "-o", "jsonpath={.spec.trustedHops}")), &found))
		return found
	}
	with := func(hop string) string { return fmt.Sprintf(`gatewayClass.parameters={"trustedHops":[%q]}`, hop) }
	install(t.Context(), t, chart(t), operator, gateway, "--set-json", with("10.1.0.0/16"))
	require.Equal(t, []string{"10.1.0.0/16"}, hops())
	do(t, "wait", "--for=condition=Accepted", "--timeout=60s", "gatewayclass/varnish")

	install(t.Context(), t, chart(t), operator, gateway, "--set-json", with("10.2.0.0/16"))
	require.Equal(t, []string{"10.2.0.0/16"}, hops(), "an upgrade takes it in among the release's own objects")
	install(t.Context(), t, chart(t), operator, gateway)
	require.Empty(t, do(t, "get", "gatewayclassparameters", "-o", "name"), "and takes it away again")
	do(t, "wait", "--for=condition=Accepted", "--timeout=60s", "gatewayclass/varnish")
}
