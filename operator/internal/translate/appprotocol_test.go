package translate

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// protocols are values of appProtocol, and whether a port that has them is spoken to in HTTP/1.1 without TLS.
var protocols = map[string]bool{
	"": true, "http": true, "HTTP": true, "Http": true, "http-alt": true, "www": true, "WWW-http": true,
	"http/1.1": true, "http1": true, "HTTP1.1": true, "grpc-web": true, "tcp": true, "TCP": true,
	// Kubernetes' own names (KEP-3726), and one that it does not have.
	"kubernetes.io/h2c": false, "kubernetes.io/H2C": false, "kubernetes.io/ws": false, "kubernetes.io/wss": false,
	"kubernetes.io/WSS": false, "kubernetes.io/http": false,
	// Names of IANA's registry, and others that are in use.
	"https": false, "HTTPS": false, "Https": false, "https-alt": false, "tls": false, "TLS": false, "ssl": false,
	"h2": false, "h2c": false, "H2C": false, "http2": false, "HTTP2": false, "http/2": false, "h3": false, "http3": false,
	"grpc": false, "GRPC": false, "grpcs": false, "ws": false, "wss": false, "WSS": false, "udp": false,
	"mysql": false, "postgresql": false, "redis": false, "ldaps": false, "smtp": false,
	// Names of other implementations.
	"example.com/http": false, "gateway.networking.k8s.io/anything": false, "http/": false, "/http": false,
}

func TestWhatAPortIsSpokenTo(t *testing.T) {
	assert.True(t, speaksHTTP(nil), "a port that does not say")
	for name := range httpProtocols {
		assert.True(t, speaksHTTP(&name), "appProtocol %q", name)
		upper := strings.ToUpper(name)
		assert.True(t, speaksHTTP(&upper), "appProtocol %q", upper)
	}
	for name, want := range protocols {
		assert.Equal(t, want, speaksHTTP(&name), "appProtocol %q", name)
	}
}

func TestTheSupportedProtocolsAreDocumented(t *testing.T) {
	page, err := os.ReadFile("../../../docs/reference/support.md")
	require.NoError(t, err)
	_, section, found := strings.Cut(string(page), "## Protocols of backends")
	require.True(t, found)
	section, _, _ = strings.Cut(section, "\n## ")
	listed := map[string]bool{}
	for row := range strings.Lines(section) {
		cells := strings.Split(row, "|")
		if len(cells) != 4 {
			continue
		}
		for _, name := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cells[1], -1) {
			listed[name[1]] = strings.Contains(cells[2], "HTTP/1.1")
		}
	}
	for name := range httpProtocols {
		assert.True(t, listed[name], "%s is listed as spoken", name)
	}
	for name, spoken := range listed {
		assert.Equal(t, speaksHTTP(&name), spoken, "%s is listed as it is treated", name)
	}
}
