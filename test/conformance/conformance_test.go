//go:build conformance

// Package conformance runs the Gateway API's own conformance suite, as it is but for a longer wait when it cleans up, against
// the cluster of KUBECONFIG.
package conformance

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"sigs.k8s.io/gateway-api/conformance"
	confv1 "sigs.k8s.io/gateway-api/conformance/apis/v1"
	"sigs.k8s.io/gateway-api/conformance/utils/suite"
	"sigs.k8s.io/yaml"
)

// deleteTimeout is how long the suite waits for a namespace to be gone. Kubernetes looks for pods that were still draining only after
// half of their grace period: with the gateways' 55 s just when the suite's own 30 s end.
const deleteTimeout = 2 * time.Minute

// TestConformance takes the suite's own flags (-conformance-profiles, -run-test, -report-output ...). The features that are
// tested are those that the GatewayClass claims, unless a flag says otherwise.
func TestConformance(t *testing.T) {
	options := conformance.DefaultOptions(t)
	options.Implementation = confv1.Implementation{
		Organization: "varnish-gateway",
		Project:      "varnish-gateway",
		URL:          "https://github.com/varnish-gateway/gateway",
		Version:      version(),
		Contact:      []string{"https://github.com/varnish-gateway/gateway/issues"},
	}
	if options.RunTest == "" && options.ReportOutputPath != "" {
		// before the suite's own, since the last one registered runs first: the suite writes the report in one
		t.Cleanup(func() { requireComplete(t, options) })
	}
	options.TimeoutConfig.DeleteTimeout = max(options.TimeoutConfig.DeleteTimeout, deleteTimeout)
	conformance.RunConformanceWithOptions(t, options)
}

// requireComplete fails where the report does not say that every core test of every profile ran and passed: a suite that
// skips what it cannot run is no proof.
func requireComplete(t *testing.T, options suite.ConformanceOptions) {
	text, err := os.ReadFile(options.ReportOutputPath)
	require.NoError(t, err, "reading the report")
	var report confv1.ConformanceReport
	require.NoError(t, yaml.Unmarshal(text, &report), "reading the report")
	require.Len(t, report.ProfileReports, len(options.ConformanceProfiles), "profiles in the report")
	for _, profile := range report.ProfileReports {
		t.Logf("%s core: %d passed, %d failed, %d skipped", profile.Name,
			profile.Core.Passed, profile.Core.Failed, profile.Core.Skipped)
		require.Equal(t, confv1.Success, profile.Core.Result, "core of %s", profile.Name)
		if extended := profile.Extended; extended != nil {
			t.Logf("%s extended: %d passed, %d failed, %d skipped", profile.Name,
				extended.Passed, extended.Failed, extended.Skipped)
			require.Equal(t, confv1.Success, extended.Result, "extended of %s", profile.Name)
		}
	}
}

func version() string {
	if v := os.Getenv("OPERATOR_VERSION"); v != "" {
		return v
	}
	return "unknown"
}
