package decision_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/corpus"
	"github.com/varnish-gateway/gateway/shared/decision"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestDecisionsOfTheCorpus(t *testing.T) {
	files, err := corpus.AllDecisions()
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(file.Name, func(t *testing.T) {
			config, err := ghostconf.Decode(file.Config)
			require.NoError(t, err)
			require.NotEmpty(t, file.Cases)
			router := decision.New(config, nil)
			for _, c := range file.Cases {
				t.Run(c.Name, func(t *testing.T) {
					explanation := router.Explain(request(c.Request))
					compare(t, c, explanation.Decision)
					checkVerdicts(t, explanation)
				})
			}
		})
	}
}

func request(r corpus.Request) decision.Request {
	return decision.Request{Socket: r.Socket, Host: r.Host, Method: r.Method, Target: r.Target, Headers: headers(r.Headers)}
}

func headers(lines []corpus.Header) []routing.Header {
	var headers []routing.Header
	for _, line := range lines {
		headers = append(headers, routing.Header{Name: line[0], Value: line[1]})
	}
	return headers
}

func compare(t *testing.T, c corpus.Case, got decision.Decision) {
	want := c.Expect
	assert.Equal(t, want.Listener, got.Listener, "listener")
	assert.Equal(t, want.Route, got.Route, "route")
	assert.Equal(t, want.Rule, got.Rule, "rule")
	if assert.Equal(t, got.Rule != "" || got.Route != "", want.Match != nil, "a match is expected exactly where a rule is") && want.Match != nil {
		assert.Equal(t, *want.Match, got.Match, "match")
	}
	assert.Equal(t, want.Status, got.Status, "status: %s", got.Reason)
	assert.Equal(t, want.Location, got.Location, "location")
	assert.Equal(t, got.Status != 0, got.Reason != "", "an answer has a reason, and only that")
	require.Len(t, got.Backends, len(want.Backends), "backends")
	for i, backend := range want.Backends {
		compareBackend(t, c.Response, backend, got.Backends[i])
	}
}

func compareBackend(t *testing.T, response []corpus.Header, want corpus.ExpectBackend, got decision.Backend) {
	assert.Equal(t, want.Service, got.Service, "service")
	assert.Equal(t, want.Weight, got.Weight, "weight of %s", want.Service)
	assert.Equal(t, want.Status, got.Status, "status of %s: %s", want.Service, got.Reason)
	assert.Equal(t, want.Location, got.Location, "location of %s", want.Service)
	assert.Equal(t, got.Status == 0, len(got.Endpoints) > 0, "endpoints are there exactly where the request is sent")
	if upstream := want.Upstream; upstream != nil {
		compareOptional(t, upstream.Method, got.Upstream.Method, "method")
		compareOptional(t, upstream.Host, got.Upstream.Host, "host")
		compareOptional(t, upstream.Target, got.Upstream.Target, "target")
		if upstream.Headers != nil {
			assert.Equal(t, multimap(headers(*upstream.Headers)), multimap(got.Upstream.Headers), "headers upstream")
		}
	}
	if want.Response != nil {
		assert.Equal(t, multimap(headers(want.Response)), multimap(got.Response(headers(response))), "headers of the response")
	}
}

func compareOptional(t *testing.T, want *string, got, what string) {
	if want != nil {
		assert.Equal(t, *want, got, "%s upstream", what)
	}
}

func multimap(headers []routing.Header) map[string][]string {
	values := map[string][]string{}
	for _, header := range headers {
		name := strings.ToLower(header.Name)
		values[name] = append(values[name], header.Value)
	}
	return values
}

// checkVerdicts holds an explanation to its decision: what was chosen is marked, and all else has a reason.
func checkVerdicts(t *testing.T, explanation decision.Explanation) {
	for _, verdict := range explanation.Listeners {
		assert.Equal(t, verdict.Chosen, verdict.Why == "", "listener %s: %s", verdict.Name, verdict.Why)
		assert.Equal(t, verdict.Chosen && verdict.Name == explanation.Decision.Listener, verdict.Chosen)
	}
	chosen := slices.IndexFunc(explanation.Matches, func(v decision.MatchVerdict) bool { return v.Chosen })
	if explanation.Decision.Route == "" {
		assert.Equal(t, -1, chosen, "nothing is chosen")
		return
	}
	require.GreaterOrEqual(t, chosen, 0, "a match is chosen")
	for i, verdict := range explanation.Matches {
		assert.Equal(t, i == chosen, verdict.Why == "", "match %d of %s: %s", verdict.Match, verdict.Rule, verdict.Why)
	}
	assert.Equal(t, explanation.Decision.Rule, explanation.Matches[chosen].Rule)
	assert.Equal(t, explanation.Decision.Match, explanation.Matches[chosen].Match)
}
