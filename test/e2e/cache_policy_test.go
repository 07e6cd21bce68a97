package e2e

import (
	"fmt"
	"net/http"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// ofRule is a target of policies: a rule of the HTTPRoute "shop".
func ofRule(name string) string {
	return "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, sectionName: " + name + "}"
}

// ofListener is a target of policies: a listener of the Gateway "web".
func ofListener(name string) string {
	return "{group: gateway.networking.k8s.io, kind: Gateway, name: web, sectionName: " + name + "}"
}

// askFresh gets a URL whose answer is fresh for a minute. The body has the origin's number.
func (g *gateway) askFresh(url string, options ...option) answer {
	g.t.Helper()
	a, err := g.get(url, append([]option{withHeader("X-Respond-Cache-Control", "max-age=60")}, options...)...)
	require.NoError(g.t, err)
	require.Equal(g.t, http.StatusOK, a.StatusCode)
	return a
}

// isShared tells whether a request got the answer to another one.
func isShared(one, other answer) bool { return string(one.body) == string(other.body) }

func TestAPolicyDecidesBesideTheOrigin(t *testing.T) {
	o := startOrigin(t)
	var rules string
	files := map[string]string{"gateway.yaml": plainGateway, "services.yaml": service("origin", o.port)}
	for name, spec := range map[string]string{
		"plain":     "  mode: Cache\n",
		"cookies":   "  storage: {setCookie: Store}\n",
		"anonymous": "  storage: {authorization: Ignore}\n",
		"quiet":     "  client: {cacheStatus: 'Off'}\n",
		"schemes":   "  key: {scheme: true}\n",
	} {
		rules += fmt.Sprintf("  - name: %s\n    matches: [{path: {value: /%s}}]\n    backendRefs: [{name: origin, port: 80}]\n", name, name)
		files[name+".yaml"] = cachePolicy(name, ofRule(name), spec)
	}
	files["route.yaml"] = route("shop", "", rules)
	g := startGateway(t, files)

	cookie := []option{withHeader("X-Respond-Set-Cookie", "a=1")}
	authorization := []option{withHeader("Authorization", "Basic YTpi")}
	other := []option{withHeader("Authorization", "Basic Yzpk")}
	for sentence, c := range map[string]struct {
		first, second   string
		options, others []option
		share           bool
	}{
		// RFC 9111 section 7.3
		"an answer with Set-Cookie is not stored":            {"http://a.example/plain/cookie", "http://a.example/plain/cookie", cookie, cookie, false},
		"Store stores it":                                    {"http://a.example/cookies", "http://a.example/cookies", cookie, nil, true},
		"Authorization keeps an answer out (section 3.5)":    {"http://a.example/plain/authorization", "http://a.example/plain/authorization", authorization, authorization, false},
		"Ignore takes no notice of it":                       {"http://a.example/anonymous", "http://a.example/anonymous", authorization, nil, true},
		"Ignore takes no notice of whose it is":              {"http://a.example/anonymous/2", "http://a.example/anonymous/2", authorization, other, true},
		"Off changes nothing but the header":                 {"http://a.example/quiet", "http://a.example/quiet", nil, nil, true},
		"http and https share objects":                       {"http://a.example/plain/scheme", "https://a.example/plain/scheme", nil, nil, true},
		"they do not where the scheme is in the key":         {"http://a.example/schemes", "https://a.example/schemes", nil, nil, false},
		"requests of one scheme do, where it is in the key":  {"https://a.example/schemes/2", "https://a.example/schemes/2", nil, nil, true},
		"also those of http, where the scheme is in the key": {"http://a.example/schemes/3", "http://a.example/schemes/3", nil, nil, true},
	} {
		first := g.askFresh(c.first, c.options...)
		second := g.askFresh(c.second, c.others...)
		assert.Equal(t, c.share, isShared(first, second), "%s: %s, then %s", sentence, first.body, second.body)
	}

	stored := g.askFresh("http://a.example/cookies")
	assert.Equal(t, []string{"a=1"}, stored.Header.Values("Set-Cookie"), "everybody gets the cookie that is stored")
	assert.Regexp(t, `^varnish-gateway; hit; ttl=\d+$`, stored.Header.Get("Cache-Status"))
	// RFC 9211 leaves it to the cache whether it says anything.
	assert.Empty(t, g.askFresh("http://a.example/quiet").Header.Values("Cache-Status"))
	assert.NotEmpty(t, g.askFresh("http://a.example/plain/status").Header.Values("Cache-Status"))
}

func TestEachListenerHasItsPolicy(t *testing.T) {
	o := startOrigin(t)
	files := map[string]string{
		"gateway.yaml":  plainGateway,
		"services.yaml": service("origin", o.port),
		"route.yaml":    route("shop", "", "  - name: all\n    backendRefs: [{name: origin, port: 80}]\n"),
		"open.yaml":     cachePolicy("open", ofListener("http"), "  key: {query: {mode: Exclude, names: [team]}}\n"),
		"secure.yaml": cachePolicy("secure", ofListener("https"),
			"  bypass: {cookies: [session]}\n  client: {cacheStatus: WithKey}\n"),
		"shop.yaml": cachePolicy("shop", "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}",
			"  bypass: {headers: [{name: X-Live}]}\n"),
	}
	g := startGateway(t, files)
	session := withHeader("Cookie", "session=1")

	open := g.askFresh("http://a.example/?team=shoes")
	assert.True(t, isShared(open, g.askFresh("http://a.example/?team=hats")), "the key of http leaves the team out")
	assert.True(t, isShared(open, g.askFresh("http://a.example/?team=shoes", session)), "sessions are not passed there")

	secure := g.askFresh("https://a.example/?team=shoes")
	assert.False(t, isShared(open, secure), "listeners share nothing")
	assert.False(t, isShared(secure, g.askFresh("https://a.example/?team=hats")), "the key of https has the team")
	again := g.askFresh("https://a.example/?team=shoes")
	assert.True(t, isShared(secure, again))
	assert.Regexp(t, `^varnish-gateway; hit; ttl=\d+; key="`, again.Header.Get("Cache-Status"))
	passed := g.askFresh("https://a.example/?team=shoes", session)
	assert.False(t, isShared(secure, passed))
	assert.Equal(t, "varnish-gateway; fwd=bypass", passed.Header.Get("Cache-Status"))

	for _, scheme := range []string{"http", "https"} {
		live := g.askFresh(scheme+"://a.example/?team=shoes", withHeader("X-Live", "1"))
		assert.Equal(t, "varnish-gateway; fwd=bypass", live.Header.Get("Cache-Status"), "the route's policy holds at %s, too", scheme)
	}

	// A policy that changes at one listener leaves the objects of the other alone.
	g.write("secure.yaml", cachePolicy("secure", ofListener("https"), "  mode: Pass\n"))
	g.await("https to pass", func() error {
		if a := g.askFresh("https://a.example/?team=shoes"); a.Header.Get("Cache-Status") != "" {
			return fmt.Errorf("it says %s", a.Header.Get("Cache-Status"))
		}
		return nil
	})
	assert.True(t, isShared(open, g.askFresh("http://a.example/?team=caps")))
}

func TestListenersShareObjectsInAZone(t *testing.T) {
	o := startOrigin(t)
	g := startGateway(t, map[string]string{
		"gateway.yaml":  plainGateway,
		"services.yaml": service("origin", o.port),
		"route.yaml":    route("shop", "", "  - name: all\n    backendRefs: [{name: origin, port: 80}]\n"),
		"open.yaml":     cachePolicy("open", ofListener("http"), "  zone: all\n"),
		"secure.yaml":   cachePolicy("secure", ofListener("https"), "  zone: all\n  bypass: {cookies: [session]}\n"),
	})
	assert.True(t, isShared(g.askFresh("http://a.example/"), g.askFresh("https://a.example/")))
}

func TestRulesOfAZoneShareWhatTheyRewriteTo(t *testing.T) {
	o := startOrigin(t)
	to := "    backendRefs: [{name: origin, port: 80}]\n"
	rewritten := func(path string) string {
		return "    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: " + path + "}}}]\n" + to
	}
	g := startGateway(t, map[string]string{
		"gateway.yaml":  plainGateway,
		"services.yaml": service("origin", o.port),
		"route.yaml": route("shop", "", "  - name: new\n    matches: [{path: {value: /new}}]\n"+to+
			"  - name: old\n    matches: [{path: {value: /old}}]\n"+rewritten("/new")+
			"  - name: beta\n    matches: [{path: {value: /new}, headers: [{name: X-Beta, value: '1'}]}]\n"+rewritten("/beta")),
		"policy.yaml": cachePolicy("shop", "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}", "  zone: shop\n"),
	})
	first := g.askFresh("http://a.example/old/x?a=1")
	assert.True(t, isShared(first, g.askFresh("http://a.example/new/x?a=1")), "they rewrite to one URL")
	beta := g.askFresh("http://a.example/new/x?a=1", withHeader("X-Beta", "1"))
	assert.False(t, isShared(first, beta), "one URL is rewritten to another one")

	out, err := gatewayctl(t, "purge", "--state-dir", g.state, "--url", "http://a.example/old/x?a=1")
	require.NoError(t, err, out)
	next := g.askFresh("http://a.example/new/x?a=1")
	assert.False(t, isShared(first, next), "the object goes by whichever URL is named")
	assert.True(t, isShared(next, g.askFresh("http://a.example/old/x?a=1")))
	assert.True(t, isShared(beta, g.askFresh("http://a.example/new/x?a=1", withHeader("X-Beta", "1"))), "others stay")
}
