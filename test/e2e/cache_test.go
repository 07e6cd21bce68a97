package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/certificate"
	"github.com/varnish-gateway/gateway/test/stack"
)

// origin numbers its answers. A request says by X-Respond-* what they are like.
type origin struct {
	port  int
	asked atomic.Int64
	// fails makes it answer 503.
	fails atomic.Bool
}

func startOrigin(t *testing.T) *origin {
	o := &origin{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		number := o.asked.Add(1)
		if o.fails.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		for name, values := range r.Header {
			if header, found := strings.CutPrefix(name, "X-Respond-"); found {
				w.Header()[header] = values
			}
		}
		fmt.Fprint(w, number)
	}))
	t.Cleanup(server.Close)
	parsed, err := url.Parse(server.URL)
	require.NoError(t, err)
	o.port, err = strconv.Atoi(parsed.Port())
	require.NoError(t, err)
	return o
}

func cachePolicy(name, target, spec string) string {
	return fmt.Sprintf(`apiVersion: gateway.varnish.io/v1alpha1
kind: VarnishCachePolicy
metadata: {name: %s}
spec:
  targetRefs: [%s]
%s`, name, target, spec)
}

func startCaching(t *testing.T, o *origin) *gateway {
	other, err := certificate.SelfSigned("*.example")
	require.NoError(t, err)
	return startGateway(t, map[string]string{
		"gateway.yaml":  routingGateway,
		"other.yaml":    other.Secret("other"),
		"services.yaml": service("origin", o.port),
		"route.yaml": route("shop", "", `  - name: cached
    backendRefs: [{name: origin, port: 80}]
  - name: live
    matches: [{path: {value: /live}}]
    backendRefs: [{name: origin, port: 80}]
`),
		"policy.yaml": cachePolicy("shop", "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, sectionName: cached}", `  freshness:
    staleIfError: {default: 1h}
    heuristic: {percent: 0}
  key: {query: {mode: Exclude, names: [utm_*]}}
  bypass: {cookies: [session]}
  storage: {tagsHeader: Surrogate-Key}
`),
	})
}

func TestAPolicyCachesWhatItSays(t *testing.T) {
	o := startOrigin(t)
	g := startCaching(t, o)
	fresh := withHeader("X-Respond-Cache-Control", "max-age=60")
	for sentence, c := range map[string]struct {
		path           string
		options, again []option
		isHit          bool
	}{
		"what is fresh is served again":               {"/a", []option{fresh}, nil, true},
		"a parameter that is excluded does not count": {"/b?utm_source=x", []option{fresh}, []option{withURL("/b?utm_medium=y")}, true},
		"another parameter does":                      {"/c?a=1", []option{fresh}, []option{withURL("/c?a=2")}, false},
		"silence is not cached":                       {"/d", nil, nil, false},
		"private is not cached":                       {"/e", []option{withHeader("X-Respond-Cache-Control", "private")}, nil, false},
		"a cookie makes it pass":                      {"/f", []option{fresh}, []option{withHeader("Cookie", "session=1")}, false},
		"another cookie does not":                     {"/g", []option{fresh}, []option{withHeader("Cookie", "other=1")}, true},
		"Set-Cookie is not cached":                    {"/h", []option{fresh, withHeader("X-Respond-Set-Cookie", "a=1")}, nil, false},
		"a rule without a policy is passed":           {"/live", []option{fresh}, nil, false},
		"a targeted field goes first":                 {"/i", []option{withHeader("X-Respond-Cdn-Cache-Control", "max-age=60"), withHeader("X-Respond-Cache-Control", "no-store")}, nil, true},
	} {
		t.Run(sentence, func(t *testing.T) {
			first, err := g.get("http://a.example"+c.path, c.options...)
			require.NoError(t, err)
			second, err := g.get("http://a.example"+c.path, append(c.options, c.again...)...)
			require.NoError(t, err)
			assert.Equal(t, c.isHit, string(first.body) == string(second.body), "%s, then %s", first.body, second.body)
			status := second.Header.Get("Cache-Status")
			switch {
			case c.path == "/live":
				assert.Empty(t, status)
			case c.isHit:
				assert.Regexp(t, `^varnish-gateway; hit; ttl=\d+$`, status)
			default:
				assert.Regexp(t, `^varnish-gateway; fwd=`, status)
			}
		})
	}
}

func TestWhatIsPurgedIsFetchedAnew(t *testing.T) {
	o := startOrigin(t)
	g := startCaching(t, o)
	binaries, err := stack.FindBinaries("../../build")
	require.NoError(t, err)
	purge := func(arguments ...string) (out, warning string) {
		arguments = append([]string{"purge", "--state-dir", g.state}, arguments...)
		var errs strings.Builder
		command := exec.CommandContext(t.Context(), binaries.Gatewayctl, arguments...)
		command.Stderr = &errs
		text, err := command.Output()
		require.NoError(t, err, "%s", &errs)
		return string(text), errs.String()
	}
	options := []option{withHeader("X-Respond-Cache-Control", "max-age=600, stale-while-revalidate=600"), withHeader("X-Respond-Surrogate-Key", "product-1 all")}
	ask := func() string {
		a, err := g.get("http://a.example/product?id=1", options...)
		require.NoError(t, err)
		assert.Empty(t, a.Header.Get("Surrogate-Key"))
		return string(a.body)
	}
	last := ask()
	for sentence, c := range map[string]struct {
		arguments []string
		warning   string
	}{
		"another tag":         {[]string{"--tag", "product-2"}, ""},
		"another namespace":   {[]string{"-n", "other", "--all"}, `no gateway has a route of the namespace "other"`},
		"another host":        {[]string{"--host", "b.example"}, ""},
		"the path alone":      {[]string{"--url", "https://a.example/product"}, ""},
		"a path that is like": {[]string{"--prefix", "https://a.example/products"}, ""},
		"another route":       {[]string{"--route", "blog"}, `no gateway has a route "blog" of the namespace "default"`},
	} {
		out, warning := purge(c.arguments...)
		assert.Equal(t, "Gateway default/web: done\n", out, sentence)
		assert.Equal(t, c.warning, strings.TrimSpace(strings.TrimPrefix(warning, "warning: ")), sentence)
		assert.Equal(t, last, ask(), sentence)
	}
	for sentence, arguments := range map[string][]string{
		"by tag":    {"--tag", "product-1"},
		"by URL":    {"--url", "https://A.example:8443/product?id=1"},
		"by prefix": {"--prefix", "http://a.example/prod"},
		"by host":   {"--host", "a.example"},
		"by route":  {"--route", "shop"},
		"by policy": {"--policy", "shop"},
		"all":       {"--all"},
	} {
		_, warning := purge(arguments...)
		assert.Empty(t, warning, sentence)
		next := ask()
		assert.NotEqual(t, last, next, sentence)
		assert.Equal(t, next, ask(), sentence)
		last = next
	}
	purge("--tag", "all", "--soft")
	assert.Equal(t, last, ask(), "what is stale is served while a new one is fetched")
	g.await("the new one", func() error {
		if ask() == last {
			return fmt.Errorf("it is still %s", last)
		}
		return nil
	})
}

func TestAnOriginThatFailsDoesNotShow(t *testing.T) {
	o := startOrigin(t)
	g := startCaching(t, o)
	options := []option{withHeader("X-Respond-Cache-Control", "max-age=0"), withHeader("X-Respond-Etag", `"1"`)}
	first, err := g.get("http://a.example/", options...)
	require.NoError(t, err)
	o.fails.Store(true)
	for range 3 {
		a, err := g.get("http://a.example/", options...)
		require.NoError(t, err)
		assert.Equal(t, http.StatusOK, a.StatusCode)
		assert.Equal(t, string(first.body), string(a.body))
		assert.Regexp(t, `^varnish-gateway; hit; ttl=-?\d+$`, a.Header.Get("Cache-Status"))
	}
	a, err := g.get("http://a.example/never-seen")
	require.NoError(t, err)
	assert.Equal(t, http.StatusServiceUnavailable, a.StatusCode)
	o.fails.Store(false)
	a, err = g.get("http://a.example/", options...)
	require.NoError(t, err)
	assert.NotEqual(t, string(first.body), string(a.body), "the origin is asked again")
}
