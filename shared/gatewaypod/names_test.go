package gatewaypod_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

var subdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)

func TestTheConfigMapOfAShardIsNamedForItsGateway(t *testing.T) {
	assert.Equal(t, "web-varnish-gateway-routes-07", gatewaypod.ShardConfigMapName("web", "07"))
	longest := strings.Repeat("a", 253-len("-varnish-gateway-routes-07"))
	assert.Equal(t, longest+"-varnish-gateway-routes-07", gatewaypod.ShardConfigMapName(longest, "07"), "the longest that need not be cut")
}

func TestTheObjectsOfAGatewayAreNamedForIt(t *testing.T) {
	assert.Equal(t, "web-varnish-gateway", gatewaypod.AccountName("web"))
	assert.Equal(t, "web-varnish-gateway", gatewaypod.ConfigMapName("web"))
	assert.Equal(t, "web-varnish-gateway-certificates", gatewaypod.CertificatesSecretName("web"))
	assert.Equal(t, "web-varnish-gateway-admin", gatewaypod.AdminSecretName("web"))
	long := gatewaypod.CertificatesSecretName(strings.Repeat("a", 253))
	assert.Len(t, long, 253)
	assert.True(t, strings.HasSuffix(long, "-varnish-gateway-certificates"))
}

func TestLongGatewayNamesAreCutAndStayApart(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		start := rapid.StringMatching(`[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?(\.[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?){3}`).Draw(t, "start")
		fill := strings.Repeat("x", max(0, 252-len(start)))
		a, b := (start + fill)[:252]+"a", (start + fill)[:252]+"b"
		nameA, nameB := gatewaypod.ShardConfigMapName(a, "00"), gatewaypod.ShardConfigMapName(b, "00")
		assert.LessOrEqual(t, len(nameA), 253)
		assert.Regexp(t, subdomain, nameA)
		assert.NotEqual(t, nameA, nameB)
		assert.True(t, strings.HasSuffix(nameA, "-varnish-gateway-routes-00"))
	})
}

func TestACutBehindADotLeavesAValidName(t *testing.T) {
	name := strings.Repeat("a", 215) + "." + strings.Repeat("b", 37)
	assert.Regexp(t, subdomain, gatewaypod.ShardConfigMapName(name, "00"))
}
