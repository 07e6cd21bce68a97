package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"github.com/varnish-gateway/gateway/test/stack"
)

// ruleStatistics are what gatewayctl cache stats -o json says of a rule, by member.
type ruleStatistics map[string]any

func (s ruleStatistics) number(t *testing.T, member string) int {
	t.Helper()
	number, ok := s[member].(float64)
	require.True(t, ok, "%s in %v", member, s)
	return int(number)
}

// statistics asks gatewayctl for those of a rule.
func (g *gateway) statistics(rule string) ruleStatistics {
	g.t.Helper()
	binaries, err := stack.FindBinaries("../../build")
	require.NoError(g.t, err)
	out, err := exec.CommandContext(g.t.Context(), binaries.Gatewayctl, "cache", "stats", "--state-dir", g.state, "-o", "json").Output()
	require.NoError(g.t, err)
	var got struct {
		Gateways []struct {
			Gateway string
			Rules   []ruleStatistics
		}
	}
	require.NoError(g.t, json.Unmarshal(out, &got))
	require.Len(g.t, got.Gateways, 1)
	for _, found := range got.Gateways[0].Rules {
		if found["rule"] == rule {
			return found
		}
	}
	require.Fail(g.t, "no such rule", "%s in %s", rule, out)
	return nil
}

func TestWhatTheCacheDoesIsCountedByRule(t *testing.T) {
	o := startOrigin(t)
	g := startCaching(t, o)
	// Others have asked until the gateway was there.
	before := g.statistics("cached")
	grown := func(member string) int {
		return g.statistics("cached").number(t, member) - before.number(t, member)
	}
	ask := func(path string, options ...option) {
		_, err := g.get("http://a.example"+path, options...)
		require.NoError(t, err)
	}
	fresh := withHeader("X-Respond-Cache-Control", "max-age=600")
	private := withHeader("X-Respond-Cache-Control", "private")
	for range 4 {
		ask("/fresh", fresh)
	}
	for range 2 {
		ask("/private", private)
	}
	ask("/passed", withMethod(http.MethodPost))
	ask("/live")
	g.await("all of them to be counted", func() error {
		for member, want := range map[string]int{"hits": 3, "stale": 0, "collapsed": 0, "misses": 2, "hitsForMiss": 1, "passes": 1, "stored": 1, "objects": 1} {
			if got := grown(member); got != want {
				return fmt.Errorf("%s: %d in the place of %d", member, got, want)
			}
		}
		return nil
	})
	assert.Positive(t, grown("servedBytes"))
	hits := g.statistics("cached").number(t, "hits")
	g.await("the metrics to say the same", func() error {
		got, err := g.metric(`varnish_gateway_cache_requests_total{result="hit",route="default/shop",rule="cached"}`)
		if err == nil && int(got) != hits {
			err = fmt.Errorf("%.0f hits in the place of %d", got, hits)
		}
		return err
	})

	// The same rule, with another policy.
	g.write("policy.yaml", cachePolicy("shop", "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop, sectionName: cached}", "  bypass: {headers: [{name: X-Pass}]}\n"))
	passes := grown("passes")
	g.await("the other policy", func() error {
		a, err := g.get("http://a.example/fresh", fresh, withHeader("X-Pass", "1"))
		if err == nil && a.Header.Get("Cache-Status") != "varnish-gateway; fwd=bypass" {
			err = fmt.Errorf("it says %s", a.Header.Get("Cache-Status"))
		}
		return err
	})
	assert.Greater(t, grown("passes"), passes)
	assert.GreaterOrEqual(t, grown("hits"), 3, "counters go on")
}

// TestAnAnswerThatGrowsTooLargeGoesWholeToAll has many clients ask at once for what does not say how long it is.
func TestAnAnswerThatGrowsTooLargeGoesWholeToAll(t *testing.T) {
	const clients, rounds = 24, 3
	piece := bytes.Repeat([]byte("0123456789abcdef"), 1024)
	const pieces = 100
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		for range pieces {
			_, _ = w.Write(piece)
			w.(http.Flusher).Flush()
		}
	}))
	t.Cleanup(server.Close)
	parsed, err := url.Parse(server.URL)
	require.NoError(t, err)
	port, err := strconv.Atoi(parsed.Port())
	require.NoError(t, err)
	g := startGateway(t, map[string]string{
		"gateway.yaml":  plainGateway,
		"services.yaml": service("origin", port),
		"route.yaml":    route("shop", "a.example", "  - name: cached\n    backendRefs: [{name: origin, port: 80}]\n"),
		"policy.yaml":   cachePolicy("shop", "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}", "  storage: {maxSize: 100Ki}\n"),
	})
	whole := bytes.Repeat(piece, pieces)
	for round := range rounds {
		var all errgroup.Group
		for range clients {
			all.Go(func() error {
				a, err := g.get(fmt.Sprintf("http://a.example/%d", round%2))
				if err == nil && !bytes.Equal(a.body, whole) {
					err = fmt.Errorf("%d bytes came of %d", len(a.body), len(whole))
				}
				return err
			})
		}
		require.NoError(t, all.Wait())
	}
	g.await("that nothing of it is kept", func() error {
		got := g.statistics("cached")
		if objects := got.number(t, "objects"); objects != 0 {
			return fmt.Errorf("there are %d objects", objects)
		}
		if got.number(t, "tooLarge") < 2 {
			return fmt.Errorf("%d were too large", got.number(t, "tooLarge"))
		}
		return nil
	})
}

// TestAnAnswerIsLargerThanTheStorage has one client ask for what the cache as a whole has no room for.
func TestAnAnswerIsLargerThanTheStorage(t *testing.T) {
	const size = 32 << 20
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "max-age=600")
		if r.URL.Path == "/small" {
			fmt.Fprint(w, "small")
			return
		}
		w.(http.Flusher).Flush()
		for range size >> 20 {
			_, _ = w.Write(make([]byte, 1<<20))
		}
	}))
	t.Cleanup(server.Close)
	parsed, err := url.Parse(server.URL)
	require.NoError(t, err)
	port, err := strconv.Atoi(parsed.Port())
	require.NoError(t, err)
	g := startGateway(t, map[string]string{
		"class.yaml":    classWithParameters + "  storage: {size: 8Mi}\n",
		"gateway.yaml":  plainGateway,
		"services.yaml": service("origin", port),
		"route.yaml":    route("shop", "a.example", "  - name: cached\n    backendRefs: [{name: origin, port: 80}]\n"),
		"policy.yaml":   cachePolicy("shop", "{group: gateway.networking.k8s.io, kind: HTTPRoute, name: shop}", "  storage: {maxSize: 100Ki}\n"),
	})
	for range 2 {
		a, err := g.get("http://a.example/small")
		require.NoError(t, err)
		require.Equal(t, "small", string(a.body))
	}
	for range 2 {
		a, err := g.get("http://a.example/large")
		require.NoError(t, err)
		assert.Len(t, a.body, size)
	}
	a, err := g.get("http://a.example/small")
	require.NoError(t, err)
	assert.Regexp(t, "^varnish-gateway; hit", a.Header.Get("Cache-Status"), "nothing had to give way")
}
