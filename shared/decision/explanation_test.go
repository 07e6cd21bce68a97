package decision_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/varnish-gateway/gateway/shared/decision"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func prefix(path string, rank int64) []routing.Match {
	return []routing.Match{{Path: routing.PathMatch{Type: routing.PathPrefix, Value: path}, Rank: routing.Rank{Order: []int64{rank}}}}
}

func router() *decision.Router {
	backends := []routing.Backend{{Service: "a/web:80", Weight: 1}}
	missing := prefix("/", 5)
	missing[0].Headers = []routing.ValueMatch{{Type: routing.ValueExact, Name: "x", Value: "1"}}
	wrong := prefix("/", 6)
	wrong[0].Method = "POST"
	broken := []routing.Match{{Path: routing.PathMatch{Type: routing.PathRegex, Value: "("}, Rank: routing.Rank{Order: []int64{7}}}}
	return decision.New(ghostconf.Config{
		Listeners: []ghostconf.Listener{
			{Name: "any", Socket: "http-80", Port: 80, Protocol: routing.ProtocolHTTP},
			{Name: "own", Socket: "http-80", Port: 80, Protocol: routing.ProtocolHTTP, Hostname: "*.example"},
			{Name: "else", Socket: "http-80", Port: 80, Protocol: routing.ProtocolHTTP, Hostname: "else.test"},
			{Name: "tls", Socket: "https-443", Port: 443, Protocol: routing.ProtocolHTTPS},
		},
		Routes: []routing.Route{
			{
				Namespace: "a", Name: "r", UID: "r", Attachments: []routing.Attachment{{Listener: "own", Hostnames: []string{"www.example"}}},
				Rules: []routing.Rule{
					{ID: "header", Matches: missing, Backends: backends},
					{ID: "method", Matches: wrong, Backends: backends},
					{ID: "regex", Matches: broken, Backends: backends},
					{ID: "chosen", Matches: prefix("/shop", 8), Backends: backends},
					{ID: "later", Matches: prefix("/", 9), Backends: backends},
				},
			},
			{Namespace: "a", Name: "wild", UID: "wild", Attachments: []routing.Attachment{{Listener: "own"}}, Rules: []routing.Rule{{ID: "wild", Matches: prefix("/", 0), Backends: backends}}},
			{Namespace: "a", Name: "host", UID: "host", Attachments: []routing.Attachment{{Listener: "own", Hostnames: []string{"api.example"}}}, Rules: []routing.Rule{{ID: "host", Matches: prefix("/", 0), Backends: backends}}},
			{Namespace: "a", Name: "off", UID: "off", Attachments: []routing.Attachment{{Listener: "any"}}, Rules: []routing.Rule{{ID: "off", Matches: prefix("/", 0), Backends: backends}}},
		},
		Services: []ghostconf.Service{{ID: "a/web:80", Endpoints: []ghostconf.Endpoint{{Address: "10.0.0.1", Port: 80}}}},
	}, nil)
}

func TestAnExplanationSaysWhyNotTheOthers(t *testing.T) {
	explanation := router().Explain(decision.Request{Socket: "http-80", Host: "www.example", Method: "GET", Target: "/shop/1"})
	assert.Equal(t, "chosen", explanation.Decision.Rule)

	listeners := map[string]string{}
	for _, verdict := range explanation.Listeners {
		listeners[verdict.Name] = verdict.Why
	}
	assert.Equal(t, map[string]string{
		"any":  "listener own has a more specific hostname for www.example",
		"own":  "",
		"else": "its hostname else.test does not match www.example",
		"tls":  "it listens on https-443, not on http-80",
	}, listeners)

	matches := map[string]string{}
	for _, verdict := range explanation.Matches {
		matches[verdict.Rule] = verdict.Why
	}
	assert.Equal(t, map[string]string{
		"header": "the header x is missing",
		"method": "the method is GET, not POST",
		"regex":  "The regular expression does not compile: compile regular expression: error parsing regexp: missing closing ): `(`",
		"chosen": "",
		"later":  "it fits, but rule chosen of a/r goes first",
		"wild":   "it fits, but rule chosen of a/r fits under the more specific hostname www.example",
		"host":   "none of the route's hostnames at listener own (api.example) matches www.example",
		"off":    "the route is not attached to listener own",
	}, matches)
}

func TestARequestThatIsRefusedIsExplainedWithoutVerdicts(t *testing.T) {
	explanation := router().Explain(decision.Request{Socket: "http-80", Method: "GET", Target: "/"})
	assert.Equal(t, decision.Explanation{Decision: decision.Decision{Status: 400, Reason: "the Host header is missing or malformed"}}, explanation)
}

func TestDiagnosticsOfTheConfigurationAreGiven(t *testing.T) {
	diagnostics := router().Diagnostics()
	assert.Len(t, diagnostics, 1)
	assert.Equal(t, "routes[0].rules[2].matches[0].path.value", diagnostics[0].Path)
}

func TestDecidingDoesNotChangeTheRequest(t *testing.T) {
	lines := make([]routing.Header, 1, 8)
	lines[0] = routing.Header{Name: "x", Value: "1"}
	config := ghostconf.Config{
		Listeners: []ghostconf.Listener{{Name: "any", Socket: "http-80", Port: 80, Protocol: routing.ProtocolHTTP}},
		Routes: []routing.Route{{
			Namespace: "a", Name: "r", UID: "r", Attachments: []routing.Attachment{{Listener: "any"}},
			Rules: []routing.Rule{{ID: "r", Matches: prefix("/", 0),
				Filters: []routing.Filter{{Type: routing.FilterRequestHeaderModifier, RequestHeaderModifier: &routing.HeaderModifier{
					Remove: []string{"x"}, Add: []routing.Header{{Name: "y", Value: "2"}},
				}}},
				Backends: []routing.Backend{{Service: "s", Weight: 1}, {Service: "s", Weight: 1}},
			}},
		}},
		Services: []ghostconf.Service{{ID: "s", Endpoints: []ghostconf.Endpoint{{Address: "10.0.0.1", Port: 80}}}},
	}
	got := decision.New(config, nil).Decide(decision.Request{Socket: "http-80", Host: "a", Method: "GET", Target: "/", Headers: lines})
	assert.Equal(t, []routing.Header{{Name: "x", Value: "1"}}, lines)
	assert.Equal(t, routing.Header{}, lines[:2][1], "nothing is written behind the caller's list")
	for _, backend := range got.Backends {
		assert.Equal(t, []routing.Header{{Name: "y", Value: "2"}}, backend.Upstream.Headers)
	}
}
