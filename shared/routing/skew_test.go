package routing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestVersionsOfTheContractParse(t *testing.T) {
	_, err := contract.ParseVersion(routing.Version)
	require.NoError(t, err)
	// Decode compares with numbers of its own: both must name the same version.
	_, err = routing.Decode([]byte(`{"version":"2.0.0"}`))
	var major *contract.MajorError
	require.ErrorAs(t, err, &major)
	assert.Equal(t, routing.Version, major.Reader.String())
}

func TestAReaderSaysItselfWhatItCarriesOut(t *testing.T) {
	config := configOf(1)
	config.Services[0].Needs = []routing.Feature{"test-b", "test-a"}
	for name, c := range map[string]struct {
		features routing.Features
		missing  []string
	}{
		"a reader of the baseline":         {nil, []string{"services[0].needs[0]", "services[0].needs[1]"}},
		"one that has a part of it":        {routing.NewFeatures("test-a"), []string{"services[0].needs[0]"}},
		"one that has all, and more":       {routing.NewFeatures("test-a", "test-b", "test-c"), nil},
		"one that has only something else": {routing.NewFeatures("test-c"), []string{"services[0].needs[0]", "services[0].needs[1]"}},
	} {
		t.Run(name, func(t *testing.T) {
			var missing []string
			for _, problem := range routing.Validate(config, c.features) {
				missing = append(missing, problem.Path)
			}
			assert.Equal(t, c.missing, missing)
		})
	}
}

// What each kind of newer file does to this reader, one rule of docs/reference/routing.md each.
func TestAnOlderReaderOfANewerFile(t *testing.T) {
	for name, c := range map[string]struct {
		data     string
		problems []string
	}{
		"a higher minor is read":                       {`{"version":"1.8.0"}`, nil},
		"a higher patch is read":                       {`{"version":"1.0.7"}`, nil},
		"an unknown member is ignored":                 {`{"version":"1.8.0","future":{"x":[1]}}`, nil},
		"an unknown member of a record":                {`{"version":"1.8.0","listeners":[{"name":"a","socket":"http-80","port":80,"protocol":"HTTP","future":1}]}`, nil},
		"an unknown need makes its listener inert":     {`{"version":"1.8.0","listeners":[{"name":"a","socket":"http-80","port":80,"protocol":"HTTP","needs":["test-a"]}]}`, []string{"listeners[0].needs[0]"}},
		"an unknown protocol makes its listener inert": {`{"version":"1.8.0","listeners":[{"name":"a","socket":"quic-80","port":80,"protocol":"QUIC"}]}`, []string{"listeners[0].protocol"}},
		"an unknown need makes its rule inert": {`{"version":"1.8.0","routes":[{"namespace":"a","name":"a","uid":"u","rules":[
			{"id":"i","matches":[{"path":{"type":"Exact","value":"/"}}],"needs":["test-a"]}]}]}`, []string{"routes[0].rules[0].needs[0]"}},
		"an unknown need makes its backend inert": {`{"version":"1.8.0","services":[{"id":"a/a:1","namespace":"a","name":"a","port":1}],"routes":[{"namespace":"a","name":"a","uid":"u","rules":[
			{"id":"i","matches":[{"path":{"type":"Exact","value":"/"}}],"backends":[{"service":"a/a:1","needs":["test-a"]}]}]}]}`, []string{"routes[0].rules[0].backends[0].needs[0]"}},
		"an unknown need makes its service inert": {`{"version":"1.8.0","services":[{"id":"a/a:1","namespace":"a","name":"a","port":1,"needs":["test-a"]}]}`, []string{"services[0].needs[0]"}},
		"an unknown filter makes its rule inert": {`{"version":"1.8.0","routes":[{"namespace":"a","name":"a","uid":"u","rules":[
			{"id":"i","matches":[{"path":{"type":"Exact","value":"/"}}],"filters":[{"type":"Future","future":{}}]}]}]}`, []string{"routes[0].rules[0].filters[0].type"}},
		"an unknown way to match makes its match inert": {`{"version":"1.8.0","routes":[{"namespace":"a","name":"a","uid":"u","rules":[
			{"id":"i","matches":[{"path":{"type":"Glob","value":"/*"}},{"path":{"type":"Exact","value":"/"}}]}]}]}`, []string{"routes[0].rules[0].matches[0].path.type"}},
		"a shard beyond those that are known": {`{"version":"1.8.0","shards":[{"name":"32","digest":"0000000000000000000000000000000000000000000000000000000000000000"}]}`, []string{"shards[0].name"}},
	} {
		t.Run(name, func(t *testing.T) {
			config, err := routing.Decode([]byte(c.data))
			require.NoError(t, err)
			config.Gateway = routing.Gateway{Namespace: "infra", Name: "web"}
			var problems []string
			for _, problem := range routing.Validate(config, nil) {
				problems = append(problems, problem.Path)
			}
			assert.Equal(t, c.problems, problems)
		})
	}
}

func TestProblemsNameTheObjectBehindThem(t *testing.T) {
	config := configOf(2)
	config.Routes[1].UID = ""
	config.Services[0].Needs = []routing.Feature{"test-a"}
	assert.Equal(t, []routing.Diagnostic{
		{Path: "routes[1].uid", Object: "HTTPRoute team-a/route-00001", Message: "The route's UID is missing"},
		{Path: "services[0].needs[0]", Object: "Service team-a/service-00000", Message: `The feature "test-a" is not known to this version`},
	}, routing.Validate(config, nil))
}

func TestServicesOfAHeadWithShardsAreNotMissed(t *testing.T) {
	config := configOf(1)
	config.Services = nil
	assert.NotEmpty(t, routing.Validate(config, nil))
	head, _, err := routing.Split(config, always)
	require.NoError(t, err)
	head.Routes = config.Routes
	assert.Empty(t, routing.Validate(head, nil))
}
