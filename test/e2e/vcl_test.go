package e2e

import (
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/stack"
)

// gatewayVCL gives the class leave for VCL of a Gateway, and the Gateway "web" the VCL of the ConfigMap "own".
const gatewayVCL = `apiVersion: gateway.varnish.io/v1alpha1
kind: GatewayParameters
metadata: {name: own}
spec:
  vcl: {name: own, key: own.vcl}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: own}
data:
  own.vcl: |
    # the first line
    sub vcl_recv { set req.url = }
`

const (
	goodVCL   = `sub vcl_deliver { set resp.http.X-VCL = "class"; }`
	brokenVCL = "# the first line\n    sub vcl_recv { set req.url = }"
)

// awaitStatus waits for a status, and gives the answer.
func (g *gateway) awaitStatus(status int) answer {
	g.t.Helper()
	var last answer
	g.await(fmt.Sprintf("status %d", status), func() (err error) {
		if last, err = g.get("http://a.example/"); err == nil && last.StatusCode != status {
			err = fmt.Errorf("status %d: %s", last.StatusCode, last.body)
		}
		return err
	})
	return last
}

func TestWhatChaperoneFallsBackToCompiles(t *testing.T) {
	binaries, err := stack.FindBinaries("../../build")
	require.NoError(t, err)
	files, err := filepath.Glob("../../chaperone/internal/vcl/*.vcl")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		file, err := filepath.Abs(file)
		require.NoError(t, err)
		output, err := exec.Command(binaries.Varnishd, "-C", "-f", file, "-p", "vmod_path="+binaries.VMODs).CombinedOutput()
		assert.NoError(t, err, "%s:\n%s", file, output)
	}
}

func TestVCLThatMustHoldHolds(t *testing.T) {
	one := startBackend(t, "one")
	files := simpleFiles(one.port)
	files["class.yaml"] = classWithVCL
	files["vcl.yaml"] = userVCL(brokenVCL)
	g := startGateway(t, files)
	a := g.awaitStatus(http.StatusServiceUnavailable)
	assert.Equal(t, "503 VCL Does Not Compile\n", string(a.body))
	g.awaitLog("The VCL does not compile: every request is answered 503, since nothing may be served without it.")
	g.awaitLog("\n    ('ConfigMap default/user, key main.vcl' Line 2 Pos 30)\n    sub vcl_recv { set req.url = }\n    -----------------------------#\n")

	g.write("vcl.yaml", userVCL(goodVCL))
	g.awaitVCLHeader("class")
	g.write("vcl.yaml", userVCL(brokenVCL))
	g.awaitLog("The VCL does not compile; the last good one serves.")
	assert.Equal(t, "class", g.awaitStatus(http.StatusOK).Header.Get("X-VCL"))
}

// VCL can compile and yet fail as a child starts with it.
func TestVCLThatMustHoldAndFailsAtTheStartHolds(t *testing.T) {
	one := startBackend(t, "one")
	files := simpleFiles(one.port)
	files["class.yaml"] = classWithVCL
	files["vcl.yaml"] = userVCL("sub vcl_init { return (fail); }")
	g := startGateway(t, files)
	a := g.awaitStatus(http.StatusServiceUnavailable)
	assert.Equal(t, "503 VCL Does Not Compile\n", string(a.body))
	g.awaitLog("Failed initialization")
	g.write("vcl.yaml", userVCL(goodVCL))
	g.awaitVCLHeader("class")
}

func TestVCLThatMayBeLeftOutIsLeftOutAndToldOf(t *testing.T) {
	one := startBackend(t, "one")
	files := simpleFiles(one.port)
	files["class.yaml"] = classWithVCL + "  allowedOverrides: [VCL]\n"
	files["vcl.yaml"] = userVCL(goodVCL)
	files["own.yaml"] = gatewayVCL
	files["gateway.yaml"] = strings.Replace(plainGateway, "spec:\n", `spec:
  infrastructure: {parametersRef: {group: gateway.varnish.io, kind: GatewayParameters, name: own}}
`, 1)
	g := startGateway(t, files)
	a := g.awaitStatus(http.StatusOK)
	assert.Equal(t, "class", a.Header.Get("X-VCL"), "the VCL of the class holds")
	require.Equal(t, "one", a.seen.Service)
	g.awaitLog("The VCL does not compile: requests are served without ConfigMap default/own, key own.vcl.")
	g.awaitLog("('ConfigMap default/own, key own.vcl' Line 2 Pos 30)\n")
}
