package e2e

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// passDoorVariable names in the environment the door that requests which are not cached take in every gateway here whose
// manifests choose none: Direct or Fetch. Where it is empty, the gateway chooses as it does for users.
const passDoorVariable = "GATEWAY_PASS_DOOR"

// specOfClass is where the settings of a GatewayClassParameters begin.
var specOfClass = regexp.MustCompile(`(?m)^kind: GatewayClassParameters\n(?:.+\n)*?spec:\n`)

// inPassDoor adds a class that names the door, where there is none that could.
func inPassDoor(files map[string]string) map[string]string {
	if os.Getenv(passDoorVariable) == "" || files["class.yaml"] != "" {
		return files
	}
	files = maps.Clone(files)
	files["class.yaml"] = classWithParameters
	return files
}

// withPassDoor lets the parameters of a class name the door, unless they do.
func withPassDoor(manifest string) string {
	door := os.Getenv(passDoorVariable)
	if door == "" || strings.Contains(manifest, "passDoor:") {
		return manifest
	}
	return specOfClass.ReplaceAllString(manifest, "$0  passDoor: "+door+"\n")
}

// TestTheSuiteRunsInTheDoorThatItIsTold looks at the counters of varnishd after a request.
func TestTheSuiteRunsInTheDoorThatItIsTold(t *testing.T) {
	doors := []mainvcl.PassDoor{mainvcl.PassDoorDirect, mainvcl.PassDoorFetch}
	if door := os.Getenv(passDoorVariable); door != "" {
		require.Contains(t, doors, mainvcl.PassDoor(door), passDoorVariable)
	}
	for _, door := range doors {
		t.Run(string(door), func(t *testing.T) {
			t.Setenv(passDoorVariable, string(door))
			one := startBackend(t, "one")
			g := startGateway(t, simpleFiles(one.port))
			g.await("the route", func() error { return g.from("one", "http://a.example/") })
			used, other := "varnish_ghost_direct_total", "varnish_main_s_pass_total"
			if door == mainvcl.PassDoorFetch {
				used, other = other, used
			}
			g.await("a pass to be counted", func() error {
				count, err := g.metric(used)
				if err == nil && count == 0 {
					err = fmt.Errorf("%s is 0", used)
				}
				return err
			})
			count, err := g.metric(other)
			require.NoError(t, err)
			assert.Zero(t, count, other)
		})
	}
}
