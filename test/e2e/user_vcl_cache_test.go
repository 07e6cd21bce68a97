package e2e

import (
	"errors"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const guideToVCLOfTheCache = "../../docs/guides/user-vcl-cache.md"

var yamlBlock = regexp.MustCompile("(?ms)^```yaml\n(.*?)^```$")

// blocks of a page, one after another.
func blocks(t *testing.T, page string, block *regexp.Regexp, separator string) string {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	var found []string
	for _, match := range block.FindAllStringSubmatch(string(text), -1) {
		found = append(found, match[1])
	}
	require.NotEmpty(t, found, page)
	return strings.Join(found, separator)
}

// startWithUserVCL serves the route "shop" by an origin, with the policy and the VCL of the guide.
func startWithUserVCL(t *testing.T, o *origin) *gateway {
	return startGateway(t, map[string]string{
		"gateway.yaml":  plainGateway,
		"class.yaml":    classWithVCL,
		"vcl.yaml":      userVCL(strings.ReplaceAll(blocks(t, guideToVCLOfTheCache, vclBlock, "\n"), "\n", "\n    ")),
		"policy.yaml":   blocks(t, guideToVCLOfTheCache, yamlBlock, "---\n"),
		"services.yaml": service("origin", o.port),
		"route.yaml": route("shop", "a.example", `  - backendRefs: [{name: origin, port: 80}]
  - matches: [{path: {value: /moved}}]
    filters: [{type: RequestRedirect, requestRedirect: {hostname: b.example}}]`),
	})
}

// TestTheVCLOfTheGuideToTheCacheOverrulesThePolicy asks twice, as two clients that differ by what `again` has. The second
// answer is the first one out of the cache, or the origin's own.
func TestTheVCLOfTheGuideToTheCacheOverrulesThePolicy(t *testing.T) {
	g := startWithUserVCL(t, startOrigin(t))
	fresh := withHeader("X-Respond-Cache-Control", "max-age=60")
	session := withHeader("Cookie", "session=1")
	for sentence, c := range map[string]struct {
		path           string
		options, again []option
		isHit          bool
		cacheStatus    string
	}{
		"the policy caches what VCL leaves alone":  {"/page", []option{fresh}, nil, true, `; hit; ttl=\d+$`},
		"and bypasses by its cookie":               {"/page/mine", []option{fresh, session}, nil, false, `; fwd=bypass$`},
		"return (pass) is a pass":                  {"/preview", []option{fresh, withHeader("X-Preview", "1")}, nil, false, `; fwd=bypass$`},
		"a pass stores nothing":                    {"/previewed", []option{fresh}, []option{withHeader("X-Preview", "1")}, false, `; fwd=bypass$`},
		"the policy decides by what VCL has left":  {"/help/a", []option{fresh, session}, nil, true, `; hit; ttl=\d+$`},
		"return (hash) overrules a bypass":         {"/pictures/a", []option{fresh, session}, []option{withHeader("Cookie", "session=2")}, true, `; hit; ttl=\d+$`},
		"by the key of the policy":                 {"/pictures/b", []option{fresh}, []option{session}, true, `; hit; ttl=\d+$`},
		"which tells URLs apart":                   {"/pictures/c", []option{fresh, session}, []option{withURL("/pictures/d")}, false, `; fwd=uri-miss; stored; ttl=\d+$`},
		"the policy decides what is stored of it":  {"/pictures/e", []option{session}, nil, false, `; fwd=miss$`},
		"hash_always_miss fetches anew":            {"/refreshed", []option{fresh}, []option{withHeader("X-Refresh", "1")}, false, `; fwd=uri-miss; stored; ttl=\d+$`},
		"hash_data adds to the key":                {"/prices", []option{fresh, withHeader("X-Country", "NO")}, []option{withHeader("X-Country", "SE")}, false, `; fwd=uri-miss; stored`},
		"and what is the same in it is a hit":      {"/prices/2", []option{fresh, withHeader("X-Country", "NO")}, nil, true, `; hit; ttl=\d+$`},
		"a shorter time holds":                     {"/news", []option{fresh}, nil, true, `; hit; ttl=(10|\d)$`},
		"what is not stored stays so":              {"/news/private", []option{withHeader("X-Respond-Cache-Control", "private")}, nil, false, `; fwd=miss$`},
		"uncacheable is not stored":                {"/draft", []option{fresh, withHeader("X-Respond-X-Draft", "1")}, nil, false, `; fwd=miss$`},
		"silence is not stored":                    {"/silent", nil, nil, false, `; fwd=miss$`},
		"unless VCL gives it a time":               {"/legacy/silent", nil, nil, true, `; hit; ttl=(60|5\d)$`},
		"which it does not for what sets a cookie": {"/legacy/cookie", []option{withHeader("X-Respond-Set-Cookie", "a=1")}, nil, false, `; fwd=miss$`},
	} {
		t.Run(sentence, func(t *testing.T) {
			first, err := g.get("http://a.example"+c.path, c.options...)
			require.NoError(t, err)
			require.Equal(t, http.StatusOK, first.StatusCode)
			second, err := g.get("http://a.example"+c.path, append(c.options, c.again...)...)
			require.NoError(t, err)
			assert.Equal(t, c.isHit, string(first.body) == string(second.body), "%s, then %s", first.body, second.body)
			assert.Regexp(t, "^varnish-gateway"+c.cacheStatus, second.Header.Get("Cache-Status"))
			assert.Equal(t, map[bool]string{true: "hit", false: "miss"}[c.isHit], second.Header.Get("X-Cache"))
		})
	}
}

// What the gateway answers by itself it answers after every `return`; VCL has its own answers, too.
func TestTheVCLOfTheGuideToTheCacheAnswers(t *testing.T) {
	g := startWithUserVCL(t, startOrigin(t))
	for sentence, c := range map[string]struct {
		url     string
		options []option
		status  int
	}{
		"a crawler gets what is cached":   {"http://a.example/page", []option{withHeader("User-Agent", "ExampleBot/1.0")}, http.StatusOK},
		"and nothing else":                {"http://a.example/page", []option{withHeader("User-Agent", "ExampleBot/1.0"), withHeader("Cookie", "session=1")}, http.StatusForbidden},
		"a redirect is one":               {"http://a.example/moved", nil, http.StatusFound},
		"for a crawler":                   {"http://a.example/moved", []option{withHeader("User-Agent", "ExampleBot/1.0")}, http.StatusFound},
		"and after return (pass)":         {"http://a.example/moved", []option{withHeader("X-Preview", "1")}, http.StatusFound},
		"what no route has, is not found": {"http://b.example/", nil, http.StatusNotFound},
		"after return (pass)":             {"http://b.example/", []option{withHeader("X-Preview", "1")}, http.StatusNotFound},
		"and after return (hash)":         {"http://b.example/pictures/a", nil, http.StatusNotFound},
	} {
		t.Run(sentence, func(t *testing.T) {
			a, err := g.get(c.url, c.options...)
			require.NoError(t, err)
			assert.Equal(t, c.status, a.StatusCode)
		})
	}
}

func TestThePurgeOfTheGuideToTheCacheRemovesOneURL(t *testing.T) {
	g := startWithUserVCL(t, startOrigin(t))
	fresh := withHeader("X-Respond-Cache-Control", "max-age=60")
	ask := func(path string, options ...option) answer {
		a, err := g.get("http://a.example"+path, append(options, fresh)...)
		require.NoError(t, err)
		require.Equal(t, http.StatusOK, a.StatusCode)
		return a
	}
	first, other := ask("/purged"), ask("/purged?other")
	assert.Equal(t, "hit", ask("/purged").Header.Get("X-Cache"))
	ask("/purged", withMethod("PURGE"))
	assert.NotEqual(t, string(first.body), string(ask("/purged").body))
	assert.Equal(t, string(other.body), string(ask("/purged?other").body))
}

func TestTheGraceOfTheGuideToTheCacheServesWhatIsStale(t *testing.T) {
	g := startWithUserVCL(t, startOrigin(t))
	ask := func() answer {
		a, err := g.get("http://a.example/search", withHeader("X-Respond-Cache-Control", "max-age=1"))
		require.NoError(t, err)
		return a
	}
	first := ask()
	g.await("a new answer", func() error {
		a := ask()
		assert.Regexp(t, `^varnish-gateway; hit; ttl=-?\d+$`, a.Header.Get("Cache-Status"), "nobody waits for it")
		if string(a.body) == string(first.body) {
			return errors.New("it is the old one")
		}
		return nil
	})
}
