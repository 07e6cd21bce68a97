package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const soundManifests = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec: {gatewayClassName: varnish, listeners: [{name: http, port: 8080, protocol: HTTP}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: hello}
spec:
  parentRefs: [{name: web}]
  hostnames: [a.example]
  rules:
  - matches: [{path: {value: /moved}}]
    filters: [{type: RequestRedirect, requestRedirect: {hostname: b.example}}]
  - backendRefs: [{name: one, port: 80, weight: 3}, {name: two, port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: one}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: two}
spec: {ports: [{name: http, port: 80}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: one-1, labels: {kubernetes.io/service-name: one}}
addressType: IPv4
endpoints:
- {addresses: [10.0.0.1]}
- {addresses: [10.0.0.2], conditions: {ready: false}}
ports: [{name: http, port: 8081}]
`

// ctl runs gatewayctl on manifests in a directory of their own.
func ctl(t *testing.T, manifests string, args ...string) (stdout string, err error) {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "a.yaml"), []byte(manifests), 0o644))
	var out, errs bytes.Buffer
	root := newRoot(&out, &errs)
	root.SetArgs(append(args, "-f", dir))
	err = root.ExecuteContext(t.Context())
	return strings.ReplaceAll(out.String()+errs.String(), dir+"/", ""), err
}

func TestCheckNamesFileObjectAndField(t *testing.T) {
	cases := map[string]struct {
		old, new string
		want     string
	}{
		"a field that does not exist":  {"hostnames:", "hostname:", "a.yaml:6: HTTPRoute default/hello: spec.hostname: unknown field\n"},
		"a Gateway that is not there":  {"[{name: web}]", "[{name: wep}]", "a.yaml:6: HTTPRoute default/hello: spec.parentRefs[0]: there is no Gateway default/wep\n"},
		"a Service that is not there":  {"name: two, port: 80", "name: three, port: 80", `a.yaml:6: HTTPRoute default/hello: spec.parentRefs[0]: ResolvedRefs=False (BackendNotFound): `},
		"a listener that cannot be":    {"protocol: HTTP}", "protocol: UDP}", "a.yaml:1: Gateway default/web: spec.listeners[0]: Accepted=False (UnsupportedProtocol): "},
		"a class that is not there":    {"gatewayClassName: varnish,", "gatewayClassName: varnsh,", "a.yaml:1: Gateway default/web: spec.gatewayClassName: there is no GatewayClass varnsh"},
		"a rewrite that is no path":    {"requestRedirect: {hostname: b.example}", "requestRedirect: {path: {type: ReplaceFullPath, replaceFullPath: '/x?y=1'}}", "spec.parentRefs[0]: PartiallyInvalid=True (UnsupportedValue): "},
		"a listener that is not there": {"[{name: web}]", "[{name: web, sectionName: none}]", "a.yaml:6: HTTPRoute default/hello: spec.parentRefs[0]: Accepted=False (NoMatchingParent): "},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := ctl(t, strings.Replace(soundManifests, c.old, c.new, 1), "check")
			require.ErrorIs(t, err, errFound)
			assert.Contains(t, out, c.want)
		})
	}
}

func TestCheckIsQuietOnSoundManifests(t *testing.T) {
	out, err := ctl(t, soundManifests, "check")
	require.NoError(t, err)
	assert.Equal(t, "no problems\n", out)
}

// parameters are those of the class, up to the specification, and withVCL gives it VCL that is to follow.
const (
	parameters = `---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: varnish}
spec:
  controllerName: varnish.io/gateway-controller
  parametersRef: {group: gateway.varnish.io, kind: GatewayClassParameters, name: class}
---
apiVersion: gateway.varnish.io/v1alpha1
kind: GatewayClassParameters
metadata: {name: class}
spec:
`
	withVCL = `  vcl: {namespace: default, name: user}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: user}
data:
  main.vcl: |
    `
)

func TestCheckTellsOfWhatIsNoFault(t *testing.T) {
	const two = "[{name: a, port: 443, protocol: HTTPS, hostname: '*.example.com'}, {name: b, port: 443, protocol: HTTPS, hostname: a.example.com}]"
	cases := map[string]struct{ manifests, want string }{
		"hostnames that overlap": {
			strings.Replace(soundManifests, "[{name: http, port: 8080, protocol: HTTP}]", two, 1),
			"note: a.yaml:1: Gateway default/web: spec.listeners[0]: OverlappingTLSConfig=True (OverlappingHostnames): Hostnames overlap with: b.\n"},
		"a class of another controller": {
			strings.Replace(soundManifests, "varnish,", "other,", 1) + "---\napiVersion: gateway.networking.k8s.io/v1\n" +
				"kind: GatewayClass\nmetadata: {name: other}\nspec: {controllerName: example.org/c}\n",
			"note: a.yaml:1: Gateway default/web: spec.gatewayClassName: GatewayClass other belongs to the controller example.org/c, which is another one\nno problems\n"},
		"a door that the parameters choose": {
			soundManifests + parameters + "  passDoor: Fetch\n",
			"note: a.yaml:1: Gateway default/web: DirectPass=False (Parameters): The parameters say so.\nno problems\n"},
		"VCL that takes part in passes": {
			soundManifests + parameters + withVCL + "sub vcl_deliver { }\n",
			"note: a.yaml:1: Gateway default/web: DirectPass=False (UserVCL): ConfigMap default/user, key main.vcl, line 1: vcl_deliver has a part in requests that are not cached.\nno problems\n"},
		"VCL that bypasses the direct door": {
			soundManifests + parameters + "  passDoor: Direct\n" + withVCL + "sub vcl_recv { return (pass); }\n",
			" But ConfigMap default/user, key main.vcl, line 1: return (pass) may let requests bypass this door: Varnish fetches those.\nno problems\n"},
		"kinds without a meaning": {
			soundManifests + "---\napiVersion: apps/v1\nkind: Deployment\n---\napiVersion: v1\nkind: Pod\n",
			"ignored: 1 Deployment, 1 Pod\nno problems\n"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := ctl(t, c.manifests, "check")
			assert.Contains(t, out, c.want)
			assert.Equal(t, strings.HasSuffix(out, "no problems\n"), err == nil, "%v", err)
		})
	}
}

func TestCheckSpeaksJSON(t *testing.T) {
	out, err := ctl(t, strings.Replace(soundManifests, "hostnames:", "hostname:", 1), "check", "-o", "json")
	require.ErrorIs(t, err, errFound)
	var report struct {
		Problems []struct {
			File, Object, Field, Message string
			Line                         int
		}
	}
	require.NoError(t, json.Unmarshal([]byte(out), &report))
	require.Len(t, report.Problems, 1)
	assert.Equal(t, "spec.hostname", report.Problems[0].Field)
	assert.Equal(t, 6, report.Problems[0].Line)
}

func TestExplainSaysWhatARequestGetsAndWhy(t *testing.T) {
	cases := map[string]struct {
		args []string
		want []string
	}{
		"backends with their shares and endpoints": {
			[]string{"GET", "http://a.example:8080/x?y=1", "-H", "X-A: b"},
			[]string{"listener  http", "HTTPRoute default/hello (a.yaml:6)", "spec.rules[1].matches[0]", "75% (weight 3)  default/one:80",
				"endpoints 10.0.0.1:8081\n", "25% (weight 1)  default/two:80", "503 by the gateway itself", "X-A: b",
				"rules[0].matches[0]", "does not match PathPrefix /moved"},
		},
		"a redirect": {
			[]string{"GET", "http://a.example:8080/moved"},
			[]string{"302 by the gateway itself, Location: http://b.example:8080/moved"},
		},
		"a host that no route has": {
			[]string{"GET", "http://c.example:8080/"},
			[]string{"404 by the gateway itself", "none of the route's hostnames at listener http (a.example) matches c.example"},
		},
		"a Host header in place of the URL's": {
			[]string{"GET", "http://127.0.0.1:8080/", "-H", "Host: a.example"},
			[]string{"HTTPRoute default/hello"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			out, err := ctl(t, soundManifests, append([]string{"explain"}, c.args...)...)
			require.NoError(t, err)
			for _, want := range c.want {
				assert.Contains(t, out, want)
			}
		})
	}
}

func TestWhatCannotBeExplainedIsAnError(t *testing.T) {
	cases := map[string]struct {
		args []string
		want string
	}{
		"a port without a listener":   {[]string{"GET", "http://a.example/"}, "no Gateway has a listener for http on port 80; there are http on 8080"},
		"half a URL":                  {[]string{"GET", "/x"}, "need a whole URL"},
		"a header without a colon":    {[]string{"GET", "http://a.example:8080/", "-H", "X"}, `need "Name: value"`},
		"a Gateway that is not there": {[]string{"GET", "http://a.example:8080/", "--gateway", "none"}, "there is no Gateway default/none of ours"},
		"an unknown form":             {[]string{"GET", "http://a.example:8080/", "-o", "xml"}, `no output form "xml"`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			_, err := ctl(t, soundManifests, append([]string{"explain"}, c.args...)...)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestExplainNamesRulesAndMatchesByTheirPlaceInTheRoute(t *testing.T) {
	manifests := strings.Replace(soundManifests, "  rules:\n", `  rules:
  - matches: [{path: {type: RegularExpression, value: '('}}]
    backendRefs: [{name: one, port: 80}]
`, 1)
	manifests = strings.Replace(manifests, "[{path: {value: /moved}}]",
		"[{path: {type: RegularExpression, value: '('}}, {path: {value: /moved}}]", 1)
	out, err := ctl(t, manifests, "explain", "GET", "http://a.example:8080/moved")
	require.NoError(t, err)
	assert.Contains(t, out, "rule      spec.rules[1].matches[1] (")
	assert.Contains(t, out, "default/hello rules[2].matches[0]")
	assert.Contains(t, out, "HTTPRoute default/hello (a.yaml:6)  PartiallyInvalid=True (UnsupportedValue): ")
}

func TestExplainTellsOfWhatIsNotServedAtAll(t *testing.T) {
	cases := map[string]struct {
		old, new, url string
		want          string
	}{
		"a route that no listener allows": {
			"metadata: {name: hello}", "metadata: {name: hello, namespace: other}", "http://a.example:8080/",
			"HTTPRoute other/hello (a.yaml:6)  Accepted=False (NotAllowedByListeners): "},
		"a route whose hostname fits no listener": {
			"protocol: HTTP}", "protocol: HTTP, hostname: c.example}", "http://c.example:8080/",
			"HTTPRoute default/hello (a.yaml:6)  Accepted=False (NoMatchingListenerHostname): "},
		"a listener in conflict": {
			"[{name: http,", "[{name: one, port: 81, protocol: HTTP}, {name: two, port: 81, protocol: HTTPS}, {name: http,", "http://a.example:8080/",
			"listener one  "},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			manifests := strings.Replace(soundManifests, c.old, c.new, 1)
			manifests = strings.Replace(manifests, "parentRefs: [{name: web}]", "parentRefs: [{name: web, namespace: default}]", 1)
			out, err := ctl(t, manifests, "explain", "GET", c.url)
			require.NoError(t, err, out)
			assert.Contains(t, out, c.want)
		})
	}
}

func TestExplainSaysWhyNoGatewayCanBeAsked(t *testing.T) {
	cases := map[string]struct {
		old, new string
		args     []string
		want     string
	}{
		"its listeners are in conflict": {
			"[{name: http, port: 8080, protocol: HTTP}]", "[{name: a, port: 8080, protocol: HTTP}, {name: b, port: 8080, protocol: HTTPS}]", nil,
			"listener a of Gateway default/web does not serve: Accepted=False (ProtocolConflict): "},
		"its parameters are missing": {
			"gatewayClassName: varnish,", "gatewayClassName: varnish, infrastructure: {parametersRef: {group: gateway.varnish.io, kind: GatewayParameters, name: none}},", nil,
			"Gateway default/web cannot be taken: Accepted=False (InvalidParameters): "},
		"its parameters are missing, and it is named": {
			"gatewayClassName: varnish,", "gatewayClassName: varnish, infrastructure: {parametersRef: {group: gateway.varnish.io, kind: GatewayParameters, name: none}},", []string{"--gateway", "web"},
			"Gateway default/web cannot be taken: Accepted=False (InvalidParameters): "},
		"its class is not ours": {
			"gatewayClassName: varnish,", "gatewayClassName: other,", []string{"--gateway", "web"}, "there is no Gateway default/web of ours"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			args := append([]string{"explain", "GET", "http://a.example:8080/"}, c.args...)
			_, err := ctl(t, strings.Replace(soundManifests, c.old, c.new, 1), args...)
			assert.ErrorContains(t, err, c.want)
		})
	}
}

func TestADirectoryMustBeNamedAndBeThere(t *testing.T) {
	for _, command := range []string{"run", "check"} {
		var out bytes.Buffer
		root := newRoot(&out, &out)
		root.SetArgs([]string{command})
		assert.ErrorContains(t, root.ExecuteContext(t.Context()), `required flag(s) "file" not set`)
		root = newRoot(&out, &out)
		root.SetArgs([]string{command, "-f", filepath.Join(t.TempDir(), "gone"), "--help=false"})
		assert.Error(t, root.ExecuteContext(t.Context()))
	}
}

func TestRunNamesTheProgramThatIsMissing(t *testing.T) {
	self, err := os.Executable()
	require.NoError(t, err)
	t.Setenv("PATH", t.TempDir())
	for want, args := range map[string][]string{
		"no chaperone beside this program or on the PATH (name it with --chaperone)": {},
		"no varnishd on the PATH (name it with --varnishd)":                          {"--chaperone", self},
		"--varnishd: ": {"--chaperone", self, "--varnishd", filepath.Join(t.TempDir(), "varnishd")},
	} {
		var out bytes.Buffer
		root := newRoot(&out, &out)
		root.SetArgs(append([]string{"run", "-f", t.TempDir()}, args...))
		assert.ErrorContains(t, root.ExecuteContext(t.Context()), want)
	}
}

func TestVersionNamesTheContracts(t *testing.T) {
	var out bytes.Buffer
	root := newRoot(&out, &out)
	root.SetArgs([]string{"version"})
	require.NoError(t, root.ExecuteContext(t.Context()))
	assert.Contains(t, out.String(), "routing.json 1.1.0, main.vcl 1.3")
}
