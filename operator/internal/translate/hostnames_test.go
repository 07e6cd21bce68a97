package translate

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

// fits is the Gateway API's rule for a single host, written down apart from the intersection.
func fits(hostname, host string) bool {
	if suffix, ok := strings.CutPrefix(hostname, "*"); ok {
		return strings.HasSuffix(host, suffix) && host != suffix[1:] && len(host) > len(suffix)
	}
	return hostname == "" || hostname == host
}

func hostnames() *rapid.Generator[string] {
	return rapid.StringMatching(`|(\*\.)?([ab]\.){0,3}(com|a)`)
}

func TestHostnamesThatFitACommonHostIntersect(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := hostnames().Draw(t, "a"), hostnames().Draw(t, "b")
		host := rapid.StringMatching(`([ab]\.){0,5}(com|a)`).Draw(t, "host")
		if fits(a, host) && fits(b, host) {
			assert.True(t, hostnamesIntersect(a, b), "both fit %q", host)
		}
		assert.Equal(t, hostnamesIntersect(a, b), hostnamesIntersect(b, a), "in either order")
	})
}

func TestHostnamesThatIntersectHaveACommonHost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := hostnames().Draw(t, "a"), hostnames().Draw(t, "b")
		if !hostnamesIntersect(a, b) {
			return
		}
		// The longer of the two is the more specific one; with a label in the wildcard's place it is a host.
		longer := a
		if len(b) > len(a) || (len(b) == len(a) && !isWildcard(b)) {
			longer = b
		}
		if longer == "" {
			longer = "any"
		}
		host := strings.Replace(longer, "*", "x", 1)
		assert.True(t, fits(a, host) && fits(b, host), "%q fits both", host)
	})
}
