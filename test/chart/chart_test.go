//go:build chart

// Package chart holds the Helm chart to what it must render, and to what the operator says of itself. HELM names the helm
// binary.
package chart

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"
)

const (
	chartDir = "../../deploy/chart"
	operator = "../../operator"
)

// template renders the chart with --set arguments.
func template(t *testing.T, set ...string) (string, error) {
	t.Helper()
	return templateAs(t, "vg", set...)
}

func templateAs(t *testing.T, release string, set ...string) (string, error) {
	t.Helper()
	helm := os.Getenv("HELM")
	require.NotEmpty(t, helm, "HELM must name the helm binary")
	args := []string{"template", release, chartDir, "--namespace", "gateways"}
	for _, s := range set {
		args = append(args, "--set-json", s)
	}
	output, err := exec.CommandContext(t.Context(), helm, args...).CombinedOutput()
	return string(output), err
}

// object of a rendered manifest.
type object struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name        string            `json:"name"`
		Labels      map[string]string `json:"labels"`
		Annotations map[string]string `json:"annotations"`
	} `json:"metadata"`
	Spec  map[string]any `json:"spec"`
	Rules []rule         `json:"rules"`
}

type rule struct {
	APIGroups     []string `json:"apiGroups"`
	Resources     []string `json:"resources"`
	ResourceNames []string `json:"resourceNames"`
	Verbs         []string `json:"verbs"`
}

// TestEveryReleaseHasAControllerNameOfItsOwn so that a second one leaves the first one's Gateways alone.
func TestEveryReleaseHasAControllerNameOfItsOwn(t *testing.T) {
	for release, want := range map[string]string{
		"varnish-gateway": "varnish.io/gateway-controller", "vg": "varnish.io/vg", "edge": "varnish.io/edge",
	} {
		objects := renderAs(t, release)
		require.Equal(t, want, find(t, objects, "GatewayClass", "varnish").Spec["controllerName"])
		at := slices.IndexFunc(objects, func(o object) bool { return o.Kind == "Deployment" })
		require.Contains(t, text(t, objects[at]), "- --controller-name="+want)
	}
}

func render(t *testing.T, set ...string) []object {
	t.Helper()
	return renderAs(t, "vg", set...)
}

func renderAs(t *testing.T, release string, set ...string) []object {
	t.Helper()
	output, err := templateAs(t, release, set...)
	require.NoError(t, err, output)
	var objects []object
	for _, document := range regexp.MustCompile(`(?m)^---$`).Split(output, -1) {
		var o object
		require.NoError(t, yaml.Unmarshal([]byte(document), &o), document)
		if o.Kind != "" {
			objects = append(objects, o)
		}
	}
	return objects
}

func find(t *testing.T, objects []object, kind, name string) object {
	t.Helper()
	at := slices.IndexFunc(objects, func(o object) bool { return o.Kind == kind && o.Metadata.Name == name })
	require.GreaterOrEqual(t, at, 0, "%s %s is not rendered", kind, name)
	return objects[at]
}

func kinds(objects []object) []string {
	var list []string
	for _, o := range objects {
		list = append(list, o.Kind)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// text of an object, to look for what it says.
func text(t *testing.T, o object) string {
	t.Helper()
	encoded, err := yaml.Marshal(o)
	require.NoError(t, err)
	return string(encoded)
}

func TestDefaultsRenderWhatAnOperatorNeedsAndNoMore(t *testing.T) {
	require.Equal(t, []string{
		"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "Deployment", "GatewayClass", "Role", "RoleBinding", "ServiceAccount",
	}, kinds(render(t)))
}

func TestTheOptInsAreRenderedWhenAskedFor(t *testing.T) {
	for name, test := range map[string]struct {
		set  string
		kind string
	}{
		"a network policy":                {"networkPolicy.enabled=true", "NetworkPolicy"},
		"a service monitor":               {"metrics.serviceMonitor.enabled=true", "ServiceMonitor"},
		"the service of the metrics":      {"metrics.service.enabled=true", "Service"},
		"the service of the monitor":      {"metrics.serviceMonitor.enabled=true", "Service"},
		"the service of the API":          {"cacheInvalidation.enabled=true", "Service"},
		"a budget of disruptions":         {"podDisruptionBudget.enabled=true", "PodDisruptionBudget"},
		"parameters of the gateway class": {`gatewayClass.parameters={"logs":{"access":"JSON"}}`, "GatewayClassParameters"},
	} {
		t.Run(name, func(t *testing.T) {
			require.NotContains(t, kinds(render(t)), test.kind)
			require.Contains(t, kinds(render(t, test.set)), test.kind)
		})
	}
}

func TestValuesReachTheObjectsThatTheyAreFor(t *testing.T) {
	digest := "sha256:" + strings.Repeat("ab", 32)
	for name, test := range map[string]struct {
		set, kind, name, want string
	}{
		"the operator's image":              {`operator.image.tag="v9"`, "Deployment", "vg-varnish-gateway", "image: ghcr.io/varnish-gateway/operator:v9"},
		"a tag of digits":                   {`gateway.image.tag="3021742"`, "Deployment", "vg-varnish-gateway", "--gateway-image=ghcr.io/varnish-gateway/gateway:3021742"},
		"the gateway's image, apart":        {`gateway.image.tag="v8"`, "Deployment", "vg-varnish-gateway", "--gateway-image=ghcr.io/varnish-gateway/gateway:v8"},
		"a digest goes before the tag":      {`gateway.image.digest="` + digest + `"`, "Deployment", "vg-varnish-gateway", "gateway@" + digest},
		"replicas":                          {`operator.replicas=2`, "Deployment", "vg-varnish-gateway", "replicas: 2"},
		"further flags":                     {`operator.extraArgs=["--trusted-hops=10.0.0.0/8"]`, "Deployment", "vg-varnish-gateway", "- --trusted-hops=10.0.0.0/8"},
		"the class's name":                  {`gatewayClass.name="edge"`, "GatewayClass", "edge", "name: edge"},
		"the controller's name":             {`controllerName="example.org/x"`, "GatewayClass", "varnish", "controllerName: example.org/x"},
		"the controller's name as a flag":   {`controllerName="example.org/x"`, "Deployment", "vg-varnish-gateway", "- --controller-name=example.org/x"},
		"the namespace of the Lease":        {`leaderElection.namespace="leases"`, "Deployment", "vg-varnish-gateway", "- --namespace=leases"},
		"parameters that are made":          {`gatewayClass.parameters={"logs":{"access":"JSON"}}`, "GatewayClass", "varnish", "name: varnish"},
		"parameters made elsewhere":         {`gatewayClass.parametersName="mine"`, "GatewayClass", "varnish", "name: mine"},
		"the API for applications":          {`cacheInvalidation.enabled=true`, "Deployment", "vg-varnish-gateway", "- --invalidation-address=:8082"},
		"its port":                          {`cacheInvalidation.enabled=true`, "Service", "vg-varnish-gateway-invalidation", "port: 80\n"},
		"its certificate":                   {`cacheInvalidation={"enabled":true,"tlsSecretName":"api"}`, "Deployment", "vg-varnish-gateway", "secretName: api"},
		"its certificate as a flag":         {`cacheInvalidation={"enabled":true,"tlsSecretName":"api"}`, "Deployment", "vg-varnish-gateway", "- --invalidation-cert-file=/etc/varnish-gateway/invalidation/tls.crt"},
		"its port with TLS":                 {`cacheInvalidation={"enabled":true,"tlsSecretName":"api"}`, "Service", "vg-varnish-gateway-invalidation", "port: 443\n"},
		"a budget by what must remain":      {`podDisruptionBudget={"enabled":true,"minAvailable":"50%"}`, "PodDisruptionBudget", "vg-varnish-gateway", "minAvailable: 50%"},
		"a budget of zero is not forgotten": {`podDisruptionBudget={"enabled":true,"minAvailable":0}`, "PodDisruptionBudget", "vg-varnish-gateway", "minAvailable: 0"},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, text(t, find(t, render(t, test.set), test.kind, test.name)), test.want)
		})
	}
}

func TestValuesThatMakeNoSenseAreRefusedByName(t *testing.T) {
	for name, test := range map[string]struct{ set, says string }{
		"an unknown value":                         {`gatewayImage="x"`, "gatewayImage"},
		"an unknown value below a known one":       {`operator.image.version="v1"`, "version"},
		"replicas that are no number":              {`operator.replicas="two"`, "replicas"},
		"replicas below zero":                      {`operator.replicas=-1`, "replicas"},
		"an unknown level of the log":              {`operator.logLevel="trace"`, "logLevel"},
		"an unknown pull policy":                   {`operator.image.pullPolicy="Sometimes"`, "pullPolicy"},
		"a gateway image without tag and digest":   {`gateway.image.tag=""`, "gateway/image"},
		"a digest that is cut":                     {`gateway.image.digest="sha256:abc"`, "digest"},
		"a tag that is a number":                   {`gateway.image.tag=3021742`, "image/tag"},
		"a tag with a space":                       {`operator.image.tag="v1 v2"`, "tag"},
		"a controller name without a domain":       {`controllerName="varnish"`, "controllerName"},
		"leader election nowhere":                  {`leaderElection.namespace=""`, "leaderElection"},
		"a class name in capitals":                 {`gatewayClass.name="Varnish"`, "name"},
		"parameters made here and elsewhere":       {`gatewayClass={"parameters":{"logs":{"access":"JSON"}},"parametersName":"x"}`, "gatewayClass"},
		"an argument that is no flag":              {`operator.extraArgs=["gateway"]`, "extraArgs"},
		"an interval without a unit":               {`metrics.serviceMonitor.interval="30"`, "interval"},
		"a budget that is neither count nor share": {`podDisruptionBudget.minAvailable="half"`, "minAvailable"},
		"a certificate of no name":                 {`cacheInvalidation.tlsSecretName="A b"`, "tlsSecretName"},
		"a switch that is text":                    {`crds.install="yes"`, "install"},
	} {
		t.Run(name, func(t *testing.T) {
			output, err := template(t, test.set)
			require.Error(t, err, "rendered:\n%s", output)
			require.Contains(t, output, test.says)
		})
	}
}

func TestTheNetworkPolicyLetsInWhatIsServed(t *testing.T) {
	policy := func(set ...string) string {
		return text(t, find(t, render(t, append(set, "networkPolicy.enabled=true")...), "NetworkPolicy", "vg-varnish-gateway"))
	}
	require.NotContains(t, policy(), "port: invalidation")
	require.Contains(t, policy("cacheInvalidation.enabled=true"), "port: invalidation")
	from := policy("cacheInvalidation.enabled=true", `networkPolicy.cacheInvalidationFrom=[{"namespaceSelector":{"matchLabels":{"purges":"yes"}}}]`)
	require.Contains(t, from, "purges: \"yes\"")
}

func TestTheOperatorMeetsPodSecurityRestricted(t *testing.T) {
	said := text(t, find(t, render(t), "Deployment", "vg-varnish-gateway"))
	for _, want := range []string{
		"runAsNonRoot: true", "type: RuntimeDefault", "allowPrivilegeEscalation: false", "readOnlyRootFilesystem: true", "- ALL",
	} {
		require.Contains(t, said, want)
	}
}

func TestOurDefinitionsOutliveTheReleaseAndAreThoseOfTheOperator(t *testing.T) {
	sources, err := filepath.Glob(operator + "/config/crd/*.yaml")
	require.NoError(t, err)
	require.NotEmpty(t, sources)
	objects := render(t)
	for _, source := range sources {
		want, err := os.ReadFile(source)
		require.NoError(t, err)
		copied, err := os.ReadFile(filepath.Join(chartDir, "manifests/crd", filepath.Base(source)))
		require.NoError(t, err)
		require.Equal(t, string(want), string(copied), "run `make chart`")
		var definition object
		require.NoError(t, yaml.Unmarshal(want, &definition))
		rendered := find(t, objects, "CustomResourceDefinition", definition.Metadata.Name)
		require.Equal(t, "keep", rendered.Metadata.Annotations["helm.sh/resource-policy"])
		require.Equal(t, definition.Spec, rendered.Spec)
	}
	for _, o := range objects {
		if o.Kind == "CustomResourceDefinition" {
			require.True(t, strings.HasSuffix(o.Metadata.Name, ".gateway.varnish.io"), "%s is not ours to install", o.Metadata.Name)
		}
	}
	require.NotContains(t, kinds(render(t, "crds.install=false")), "CustomResourceDefinition")
}

// TestTheOperatorMayDoWhatItsMarkersSay compares the chart's rules with the markers beside the code that needs them.
func TestTheOperatorMayDoWhatItsMarkersSay(t *testing.T) {
	source, err := os.ReadFile(operator + "/internal/controller/rbac.go")
	require.NoError(t, err)
	marker := regexp.MustCompile(`\+kubebuilder:rbac:groups=([^,]*),resources=([^,]*),(?:resourceNames=([^,]*),)?verbs=([^,\s]*)(,namespace=\S+)?`)
	var cluster, namespace []string
	for _, m := range marker.FindAllStringSubmatch(string(source), -1) {
		list := rights(strings.Split(strings.Trim(m[1], `"`), ";"), strings.Split(m[2], ";"), strings.Split(m[4], ";"))
		if m[5] != "" {
			namespace = append(namespace, list...)
		} else {
			cluster = append(cluster, list...)
		}
	}
	objects := render(t)
	require.NotEmpty(t, cluster, "no markers in rbac.go")
	require.ElementsMatch(t, cluster, rightsOf(find(t, objects, "ClusterRole", "vg-varnish-gateway")))
	require.ElementsMatch(t, namespace, rightsOf(find(t, objects, "Role", "vg-varnish-gateway")))
}

func rightsOf(o object) []string {
	var list []string
	for _, r := range o.Rules {
		list = append(list, rights(r.APIGroups, r.Resources, r.Verbs)...)
	}
	return list
}

// rights takes rules apart into single ones, "verb resource.group".
func rights(groups, resources, verbs []string) []string {
	var list []string
	for _, group := range groups {
		for _, resource := range resources {
			for _, verb := range verbs {
				list = append(list, verb+" "+resource+"."+group)
			}
		}
	}
	return list
}
