//go:build apiserver

package controller

import (
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// purge runs gatewayctl purge against the cluster.
func purge(t *testing.T, arguments ...string) (output string, err error) {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join(binDirectory(), "gatewayctl"))
	require.NoError(t, err)
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"purge", "--kubeconfig", cluster.kubeconfig}, arguments...)...)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func TestGatewayctlPurgesTheGatewaysOfACluster(t *testing.T) {
	startOperator(t)
	ns := servingGateway(t)
	pod := startKnownPod(t, ns)
	output, err := purge(t, "-n", ns, "--url", "https://shop.example/a", "--url", "https://shop.example/b", "--soft")
	require.NoError(t, err, output)
	assert.Equal(t, "Gateway "+ns+"/edge: 2 of 2 pods done\n2 of 2 pods have invalidated the objects.\n", output)
	require.Len(t, pod.invalidated(), 1)
	assert.JSONEq(t, `{"invalidations":[
		{"namespace":"`+ns+`","soft":true,"host":"shop.example","path":"/a"},{"namespace":"`+ns+`","soft":true,"host":"shop.example","path":"/b"}
	]}`, pod.invalidated()[0])

	pod.silence()
	output, err = purge(t, "-n", ns, "--tag", "a", "--timeout", "2s")
	var exit *exec.ExitError
	require.ErrorAs(t, err, &exit, output)
	assert.Equal(t, 1, exit.ExitCode())
	assert.Contains(t, output, "Gateway "+ns+"/edge: 1 of 2 pods done\n  pod "+pod.name+": chaperone answers 503")
	assert.Contains(t, output, "1 of 2 pods may still have the objects.")

	for want, arguments := range map[string][]string{
		"tags[0]: Invalid value":         {"-n", ns, "--tag", "a b"},
		"climbs above the root":          {"-n", ns, "--url", "https://shop.example/../a"},
		`namespaces "missing" not found`: {"-n", "missing", "--all"},
		"none of the others can be":      {"-n", ns, "--all", "--tag", "a"},
	} {
		output, err := purge(t, arguments...)
		require.ErrorAs(t, err, &exit, output)
		assert.Contains(t, output, want)
	}
}
