package e2e

import (
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const (
	guideToVCL = "../../docs/guides/user-vcl.md"
	sampleVCL  = "../../deploy/samples/user-vcl.yaml"
)

var vclBlock = regexp.MustCompile("(?ms)^```vcl\n(.*?)^```$")

// TestTheVCLOfTheGuideDoesWhatTheGuideSays runs all VCL of the guide as one.
func TestTheVCLOfTheGuideDoesWhatTheGuideSays(t *testing.T) {
	page, err := os.ReadFile(guideToVCL)
	require.NoError(t, err)
	var vcl strings.Builder
	for _, block := range vclBlock.FindAllStringSubmatch(string(page), -1) {
		vcl.WriteString(block[1])
	}
	require.NotEmpty(t, vcl.String())
	one := startBackend(t, "one")
	files := simpleFiles(one.port)
	files["route.yaml"] = route("main", "a.example", "  - backendRefs: [{name: one, port: 80}]\n  - matches: [{path: {value: /down}}]\n    backendRefs: [{name: none, port: 80}]")
	files["none.yaml"] = service("none", freePorts(t, 1)...)
	files["class.yaml"] = classWithVCL
	files["vcl.yaml"] = userVCL(strings.ReplaceAll(vcl.String(), "\n", "\n    "))
	g := startGateway(t, files)
	g.await("the service", func() error { return g.from("one", "http://a.example/") })
	for name, test := range map[string]struct {
		url    string
		method string
		status int
		words  string
	}{
		"a route that is not there has its own page": {"http://b.example/", http.MethodGet, http.StatusNotFound, "<h1>Nothing here</h1>"},
		"a backend that is down has its own page":    {"http://a.example/down", http.MethodGet, http.StatusServiceUnavailable, "<h1>We will be back</h1>"},
		"a stranger may not purge":                   {"http://a.example/", "PURGE", http.StatusMethodNotAllowed, ""},
	} {
		t.Run(name, func(t *testing.T) {
			a, err := g.get(test.url, withMethod(test.method))
			require.NoError(t, err)
			assert.Equal(t, test.status, a.StatusCode)
			assert.Contains(t, string(a.body), test.words)
		})
	}
}

func TestTheSampleVCLCachesWhatIsPublic(t *testing.T) {
	sample, err := os.ReadFile(sampleVCL)
	require.NoError(t, err)
	one := startBackend(t, "one")
	files := simpleFiles(one.port)
	files["gateway.yaml"] = strings.Replace(plainGateway, "gatewayClassName: varnish", "gatewayClassName: varnish-cache", 1)
	files["route.yaml"] = route("main", "", "  - backendRefs: [{name: one, port: 80}]\n  - matches: [{path: {value: /moved}}]\n    filters: [{type: RequestRedirect, requestRedirect: {hostname: b.example}}]")
	files["class.yaml"] = string(sample)
	g := startGateway(t, files)
	g.await("the service", func() error { return g.from("one", "http://a.example/") })

	says := func(cacheControl string) option {
		return withHeader("X-Echo-Set-Header", "Cache-Control: "+cacheControl)
	}
	for _, step := range []struct {
		sentence, path string
		options        []option
		status         int
		cache          string
	}{
		{"what is public is fetched once", "/public", []option{says("public, max-age=60")}, 200, "miss"},
		{"and then kept", "/public", []option{says("public, max-age=60")}, 200, "hit"},
		{"whoever signs in is not served from the cache", "/public", []option{withHeader("Authorization", "Basic eDp5")}, 200, "miss"},
		{"what nobody says is public is fetched", "/silent", nil, 200, "miss"},
		{"and is fetched again", "/silent", nil, 200, "miss"},
		{"what is private is fetched", "/private", []option{says("private")}, 200, "miss"},
		{"and is fetched again", "/private", []option{says("private")}, 200, "miss"},
		{"a redirect is the gateway's own", "/moved", nil, 302, ""},
		{"internal paths are refused", "/internal/x", nil, 403, ""},
	} {
		a, err := g.get("http://a.example"+step.path, step.options...)
		require.NoError(t, err, step.sentence)
		assert.Equal(t, step.status, a.StatusCode, step.sentence)
		assert.Equal(t, step.cache, a.Header.Get("X-Cache"), step.sentence)
	}
}
