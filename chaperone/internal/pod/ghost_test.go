package pod

import (
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/options"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

func TestGhostIsToldTheLimits(t *testing.T) {
	parse := func(args ...string) options.Options {
		o, err := options.Parse(append([]string{"--gateway", "shop/edge", "--listen", "http-80"}, args...))
		require.NoError(t, err)
		return o
	}
	assert.Equal(t, []string{"GHOST_MAX_BACKEND_REQUESTS=4000", "GHOST_REQUEST_TIMEOUT_MS=3600000"}, ghostEnvironment(parse()))
	assert.Equal(t, []string{
		"GHOST_MAX_BACKEND_REQUESTS=100", "GHOST_REQUEST_TIMEOUT_MS=1500", "GHOST_MAX_BACKEND_REQUESTS_PER_SERVICE=50",
	}, ghostEnvironment(parse("--max-backend-requests=100", "--request-timeout=1.5s", "--max-backend-requests-per-service=50")))
}

func TestWithoutChaperoneGhostHasTheSameLimits(t *testing.T) {
	settings, err := os.ReadFile("../../../ghost/crates/upstream/src/settings.rs")
	require.NoError(t, err)
	assert.Contains(t, string(settings), "max_in_flight_total: "+strconv.Itoa(gatewaypod.DefaultMaxBackendRequests)+",")
	seconds := strconv.FormatFloat(gatewaypod.DefaultRequestTimeout.Seconds(), 'f', 0, 64)
	assert.Contains(t, string(settings), "request_timeout: Duration::from_secs("+seconds+"),")
}
