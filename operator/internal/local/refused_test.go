package local

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestAGatewayThatLosesItsPortGivesItUp(t *testing.T) {
	one, two, three := freePort(t), freePort(t), freePort(t)
	r := start(t, map[string]string{"a.yaml": gatewayOn("a", one), "b.yaml": gatewayOn("b", two)})
	r.await("both run", func(s shown) bool { return programmed("a")(s) && programmed("b")(s) })

	r.write("a.yaml", gatewayOn("a", one, two))
	r.await("the first has both ports, the second says why it has none", func(s shown) bool {
		return programmed("a")(s) && says("b", "Port "+two+" is taken by Gateway default/a")(s)
	})
	assert.Len(t, children(t), 1)

	r.write("b.yaml", gatewayOn("b", three))
	r.await("both run again", func(s shown) bool { return programmed("a")(s) && programmed("b")(s) })
	assert.Len(t, children(t), 2)
}

const parameters = `{apiVersion: gateway.varnish.io/v1alpha1, kind: GatewayParameters, metadata: {name: web},
  spec: {trustedHops: [10.0.0.0/8]}}`

// classWithVCL lets the Gateways of the class have the VCL of the ConfigMap "user".
const classWithVCL = `{apiVersion: gateway.networking.k8s.io/v1, kind: GatewayClass, metadata: {name: varnish}, spec: {
  controllerName: varnish.io/gateway-controller,
  parametersRef: {group: gateway.varnish.io, kind: GatewayClassParameters, name: class}}}
---
{apiVersion: gateway.varnish.io/v1alpha1, kind: GatewayClassParameters, metadata: {name: class},
  spec: {vcl: {namespace: default, name: user}}}
`

const userVCL = `{apiVersion: v1, kind: ConfigMap, metadata: {name: user}, data: {main.vcl: "sub vcl_deliver { set resp.http.X = 1; }"}}`

const elsewhere = `{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute, metadata: {name: hello},
  spec: {parentRefs: [{name: web}], rules: [{backendRefs: [{name: hello, namespace: other, port: 80}]}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: hello, namespace: other}, spec: {ports: [{port: 80}]}}
`

const grant = `{apiVersion: gateway.networking.k8s.io/v1, kind: ReferenceGrant, metadata: {name: hello, namespace: other},
  spec: {from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}], to: [{group: "", kind: Service}]}}`

// routing is what a Gateway is to run.
func (r *running) routing(gateway string) routing.Config {
	r.t.Helper()
	config, err := routing.Decode([]byte(r.config(gateway, "routing.json")))
	require.NoError(r.t, err)
	return config
}

func TestAGatewayWithoutItsParametersKeepsItsProcessAndFollowsItsRoutes(t *testing.T) {
	gateway := strings.Replace(gatewayOn("web", freePort(t)), "spec: {",
		"spec: {infrastructure: {parametersRef: {group: gateway.varnish.io, kind: GatewayParameters, name: web}}, ", 1)
	r := start(t, map[string]string{
		"class.yaml": classWithVCL, "vcl.yaml": userVCL, "gateway.yaml": gateway, "parameters.yaml": parameters,
		"route.yaml": elsewhere, "grant.yaml": grant,
	})
	r.await("the gateway is programmed", programmed("web"))
	pids, vcl := children(t), r.config("web", "main.vcl")
	require.Equal(t, []string{"10.0.0.0/8"}, r.routing("web").TrustedHops)
	require.Empty(t, r.routing("web").Routes[0].Rules[0].Backends[0].Invalid)

	require.Contains(t, vcl, "resp.http.X = 1")

	r.remove("parameters.yaml")
	r.remove("vcl.yaml")
	r.await("the gateway is not accepted", says("web", "not accepted"))
	r.remove("grant.yaml")
	r.await("the grant is gone", func(s shown) bool {
		c := report.Find(s.Routes[0].Entries[0].Conditions, "ResolvedRefs")
		return c != nil && c.Status == metav1.ConditionFalse
	})
	now := r.routing("web")
	assert.NotEmpty(t, now.Routes[0].Rules[0].Backends[0].Invalid, "a broken parameter does not keep a revoked grant in force")
	assert.Equal(t, []string{"10.0.0.0/8"}, now.TrustedHops, "what parameters decide stays")
	assert.Equal(t, vcl, r.config("web", "main.vcl"))
	assert.Equal(t, pids, children(t))

	r.write("parameters.yaml", parameters)
	r.write("vcl.yaml", userVCL)
	r.await("it is programmed again", programmed("web"))
	assert.Equal(t, pids, children(t))
}

func TestAGatewayWhoseListenersAllGoKeepsItsProcess(t *testing.T) {
	gateway := gatewayOn("web", freePort(t))
	r := start(t, map[string]string{"gateway.yaml": gateway, "route.yaml": oneRoute})
	r.await("the gateway is programmed", programmed("web"))
	pids := children(t)
	require.Len(t, r.routing("web").Listeners, 1)

	r.write("gateway.yaml", strings.Replace(gateway, "protocol: HTTP", "protocol: TCP", 1))
	r.await("the gateway does not serve", func(s shown) bool { return !programmed("web")(s) })
	assert.Empty(t, r.routing("web").Listeners, "what is refused is not served any more")
	assert.Equal(t, pids, children(t))

	r.write("gateway.yaml", gateway)
	r.await("it is programmed again", programmed("web"))
	assert.Equal(t, pids, children(t))
}

func TestAGatewayThatCannotBePublishedHarmsNoOther(t *testing.T) {
	state := newState(t)
	blocked := state.gatewayDir(Key{"default", "a"})
	require.NoError(t, os.WriteFile(blocked, nil, 0o600))
	r := startIn(t, state, map[string]string{"a.yaml": gatewayOn("a", freePort(t)), "b.yaml": gatewayOn("b", freePort(t))})
	r.await("the other one runs", func(s shown) bool {
		return programmed("b")(s) && says("a", "The configuration cannot be published: opening its directory: ")(s)
	})
	require.NoError(t, os.Remove(blocked))
	r.await("it is tried again", programmed("a"))
}

func TestAGatewayThatCannotBePublishedGoesOnWithWhatItRuns(t *testing.T) {
	r := start(t, map[string]string{"gateway.yaml": gatewayOn("web", freePort(t))})
	r.await("the gateway is programmed", programmed("web"))
	pids := children(t)
	config := filepath.Join(r.state.gatewayDir(Key{"default", "web"}), "config")
	require.NoError(t, os.Rename(config, config+".away"))
	require.NoError(t, os.WriteFile(config, nil, 0o600))

	r.write("route.yaml", oneRoute)
	r.await("the gateway does not run the route", says("web", "The configuration cannot be published: writing its configuration: "))
	assert.Equal(t, pids, children(t))

	require.NoError(t, os.Remove(config))
	require.NoError(t, os.Rename(config+".away", config))
	r.await("it is tried again", programmed("web"))
	assert.Len(t, r.routing("web").Routes, 1)
	assert.Equal(t, pids, children(t))
}

func TestARoutingConfigurationIsWholeBeforeItsHeadNamesTheParts(t *testing.T) {
	f, err := openFiles(t.TempDir())
	require.NoError(t, err)
	require.NoError(t, os.RemoveAll(f.shards.dir))
	require.NoError(t, os.WriteFile(f.shards.dir, nil, 0o600))
	head, err := json.Marshal(map[string]any{"shards": []string{"00"}})
	require.NoError(t, err)
	require.Error(t, f.write(configuration{routing: head, shards: map[string][]byte{"00": []byte("{}")}}))
	assert.Empty(t, visible(t, f.config.dir))
}
