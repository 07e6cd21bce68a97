package e2e

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// explained is what gatewayctl explain says of a request, as far as Cache-Status says the same.
type explained struct {
	Caching struct {
		Passed   string
		Decision struct {
			Lookup   struct{ Looks bool }
			Key      string
			Response struct {
				Stored bool
				Age    int
				TTL    struct{ Seconds int }
			}
		}
	}
}

// TestExplainSaysWhatTheGatewayDoes asks both about the same requests and responses.
func TestExplainSaysWhatTheGatewayDoes(t *testing.T) {
	o := startOrigin(t)
	rewrite := "    filters: [{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /new}}}]\n"
	to := "    backendRefs: [{name: origin, port: 80}]\n"
	g := startGateway(t, map[string]string{
		"gateway.yaml":  plainGateway,
		"services.yaml": service("origin", o.port),
		"route.yaml": route("shop", "", "  - name: plain\n"+to+
			"  - name: moved\n    matches: [{path: {value: /old}}]\n"+rewrite+to+
			"  - name: live\n    matches: [{path: {value: /live}}]\n"+to),
		"all.yaml": cachePolicy("all", "{group: gateway.networking.k8s.io, kind: Gateway, name: web}",
			"  client: {cacheStatus: WithKey}\n  freshness: {maxTTL: 1h}\n"),
		"plain.yaml": cachePolicy("plain", ofRule("plain"), `  key: {query: {mode: Exclude, names: [utm_*], sort: true}, headers: [X-Team], languages: [en, de]}
  bypass: {cookies: [session]}
  freshness: {byStatus: [{statuses: ["2xx"], ttl: 5m}]}
`),
		"moved.yaml":  cachePolicy("moved", ofRule("moved"), "  zone: all\n"),
		"live.yaml":   cachePolicy("live", ofRule("live"), "  mode: Pass\n"),
		"secure.yaml": cachePolicy("secure", ofListener("https"), "  key: {scheme: true}\n"),
	})
	stored := regexp.MustCompile(`; stored; ttl=(\d+)`)
	key := regexp.MustCompile(`; key="([^"]*)"`)
	for sentence, c := range map[string]struct {
		method, url        string
		headers, responses []string
	}{
		"max-age":                     {"GET", "http://a.example/1", nil, []string{"Cache-Control: max-age=60"}},
		"the policy's most":           {"GET", "http://a.example/2", nil, []string{"Cache-Control: max-age=86400", "Age: 100"}},
		"a time by status":            {"GET", "http://a.example/3?utm_id=1&b=2&a=1", nil, nil},
		"another listener":            {"GET", "https://a.example/4", nil, []string{"Cache-Control: max-age=60"}},
		"a header and a language":     {"GET", "http://a.example/5", []string{"X-Team: shoes", "Accept-Language: de-AT, en;q=0.1"}, []string{"Cdn-Cache-Control: max-age=10", "Cache-Control: no-store"}},
		"no-store":                    {"GET", "http://a.example/6", nil, []string{"Cache-Control: no-store"}},
		"private":                     {"GET", "http://a.example/7", nil, []string{"Cache-Control: private, max-age=60"}},
		"Set-Cookie":                  {"GET", "http://a.example/8", nil, []string{"Set-Cookie: a=1"}},
		"Authorization":               {"GET", "http://a.example/9", []string{"Authorization: Basic YTpi"}, []string{"Cache-Control: max-age=60"}},
		"Authorization, and s-maxage": {"GET", "http://a.example/10", []string{"Authorization: Basic YTpi"}, []string{"Cache-Control: s-maxage=60"}},
		"a cookie that is passed":     {"GET", "http://a.example/11", []string{"Cookie: session=1"}, []string{"Cache-Control: max-age=60"}},
		"another method":              {"DELETE", "http://a.example/12", nil, []string{"Cache-Control: max-age=60"}},
		"a zone":                      {"GET", "http://a.example/old/13?x=1", nil, []string{"Cache-Control: max-age=60"}},
		"a zone by https":             {"GET", "https://a.example/old/15", nil, []string{"Cache-Control: max-age=60"}},
		"a rule that passes":          {"GET", "http://a.example/live", nil, []string{"Cache-Control: max-age=60"}},
		"Vary":                        {"GET", "http://a.example/16", nil, []string{"Vary: *", "Cache-Control: max-age=60"}},
	} {
		t.Run(sentence, func(t *testing.T) {
			port := map[bool]int{true: g.https, false: g.http}[strings.HasPrefix(c.url, "https:")]
			arguments := []string{"explain", "-f", g.dir, "-o", "json", c.method, strings.Replace(c.url, ".example", ".example:"+strconv.Itoa(port), 1), "--status", "200"}
			options := []option{withMethod(c.method)}
			for _, line := range c.headers {
				arguments = append(arguments, "-H", line)
				name, value, _ := strings.Cut(line, ": ")
				options = append(options, withHeader(name, value))
			}
			for _, line := range c.responses {
				arguments = append(arguments, "-A", line)
				name, value, _ := strings.Cut(line, ": ")
				options = append(options, withHeader("X-Respond-"+name, value))
			}
			output, err := gatewayctl(t, arguments...)
			require.NoError(t, err, output)
			var e explained
			require.NoError(t, json.Unmarshal([]byte(output), &e), output)
			said := e.Caching.Decision

			answer, err := g.get(c.url, options...)
			require.NoError(t, err)
			status := answer.Header.Get("Cache-Status")
			if e.Caching.Passed != "" {
				assert.Empty(t, status)
				return
			}
			passed := strings.Contains(status, "fwd=bypass") || strings.Contains(status, "fwd=method")
			assert.Equal(t, !said.Lookup.Looks, passed, status)
			found := key.FindStringSubmatch(status)
			assert.Equal(t, said.Key, strings.Join(found[min(1, len(found)):], ""), status)
			times := stored.FindStringSubmatch(status)
			require.Equal(t, said.Response.Stored, times != nil, "%s\n%s", status, output)
			if times != nil {
				ttl, err := strconv.Atoi(times[1])
				require.NoError(t, err)
				// Cache-Status rounds.
				assert.InDelta(t, said.Response.TTL.Seconds-said.Response.Age, ttl, 1, fmt.Sprint(status))
			}
		})
	}
}
