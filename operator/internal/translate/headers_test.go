package translate

import (
	"os"
	"regexp"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/routing"
)

const upstream = "../../../ghost/crates/upstream/src/"

// TestTheHeadersThatTheUpstreamWritesItselfAreRefused reads them from where the upstream passes over them.
func TestTheHeadersThatTheUpstreamWritesItselfAreRefused(t *testing.T) {
	connection := quotedIn(t, upstream+"hop.rs", `(?s)const HOP_BY_HOP: .*? = \[(.*?)\];`)
	own := quotedIn(t, upstream+"request.rs", `const OWN: .*? = \[(.*?)\];`)
	for _, name := range append(own, connection...) {
		field := fieldOf("filter")
		for action, filter := range map[string]gatewayv1.HTTPHeaderFilter{
			"set": {Set: []gatewayv1.HTTPHeader{{Name: gatewayv1.HTTPHeaderName(name), Value: "a"}}},
			"add": {Add: []gatewayv1.HTTPHeader{{Name: gatewayv1.HTTPHeaderName(name), Value: "a"}}},
		} {
			var found problems
			headerModifier(&field, routing.FilterRequestHeaderModifier, &filter, &found)
			assert.Equal(t, name != "host" || action == "add", len(found) > 0, "%s %s", action, name)
		}
	}
}

// quotedIn are the texts in quotes in what a pattern finds in a file.
func quotedIn(t *testing.T, file, pattern string) []string {
	t.Helper()
	source, err := os.ReadFile(file)
	require.NoError(t, err)
	list := regexp.MustCompile(pattern).FindSubmatch(source)
	require.NotNil(t, list, "%s has no %s", file, pattern)
	var texts []string
	for _, match := range regexp.MustCompile(`"([^"]+)"`).FindAllSubmatch(list[1], -1) {
		texts = append(texts, string(match[1]))
	}
	require.NotEmpty(t, texts)
	return texts
}
