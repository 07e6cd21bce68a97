package ghostconf_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/corpus"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestEveryValidFileSurvivesARoundTrip(t *testing.T) {
	files, err := corpus.Valid("ghost")
	require.NoError(t, err)
	for _, file := range files {
		t.Run(file.Name, func(t *testing.T) {
			config, err := ghostconf.Decode(file.Data)
			require.NoError(t, err)
			once, err := ghostconf.Encode(config)
			require.NoError(t, err)
			again, err := ghostconf.DecodeStrict(once)
			require.NoError(t, err)
			config.Version = ghostconf.Version
			assert.Equal(t, config, again, "nothing that this build knows is lost")
		})
	}
}

func TestEncodingDoesNotDependOnTheOrderOfRecords(t *testing.T) {
	a, b := routing.Route{Namespace: "a", Name: "z"}, routing.Route{Namespace: "b", Name: "a"}
	one, two := ghostconf.Endpoint{Address: "10.0.0.1", Port: 80}, ghostconf.Endpoint{Address: "10.0.0.2", Port: 80}
	first := ghostconf.Config{
		Routes:   []routing.Route{a, b},
		Services: []ghostconf.Service{{ID: "a"}, {ID: "b", Endpoints: []ghostconf.Endpoint{one, two}}},
	}
	second := ghostconf.Config{
		Routes:   []routing.Route{b, a},
		Services: []ghostconf.Service{{ID: "b", Endpoints: []ghostconf.Endpoint{two, one, two}}, {ID: "a"}},
	}
	x, err := ghostconf.Encode(first)
	require.NoError(t, err)
	y, err := ghostconf.Encode(second)
	require.NoError(t, err)
	assert.Equal(t, string(x), string(y))
	assert.NotContains(t, string(x), "null")
	assert.Equal(t, []ghostconf.Endpoint{two, one, two}, second.Services[0].Endpoints, "the caller's own list is left as it is")
}

func TestEndpointsAreInTheOrderOfTheirNumbers(t *testing.T) {
	endpoints := []ghostconf.Endpoint{
		{Address: "2001:db8::1", Port: 80}, {Address: "10.0.0.10", Port: 80}, {Address: "10.0.0.9", Port: 8080},
		{Address: "none", Port: 1}, {Address: "10.0.0.9", Port: 80}, {Address: "10.0.0.9", Port: 80},
	}
	want := []ghostconf.Endpoint{
		{Address: "10.0.0.9", Port: 80}, {Address: "10.0.0.9", Port: 8080}, {Address: "10.0.0.10", Port: 80},
		{Address: "2001:db8::1", Port: 80}, {Address: "none", Port: 1},
	}
	before := slices.Clone(endpoints)
	assert.Equal(t, want, ghostconf.SortEndpoints(endpoints))
	assert.Equal(t, before, endpoints)
}

func TestTheSequenceGrowsOnlyWithTheContent(t *testing.T) {
	content := ghostconf.Config{RoutingSequence: 3, Services: []ghostconf.Service{{ID: "a"}}}
	first, changed, err := ghostconf.Next(nil, content)
	require.NoError(t, err)
	assert.True(t, changed)
	_, changed, err = ghostconf.Next(first, content)
	require.NoError(t, err)
	assert.False(t, changed)

	content.Services[0].Endpoints = []ghostconf.Endpoint{{Address: "10.0.0.1", Port: 80}}
	second, changed, err := ghostconf.Next(first, content)
	require.NoError(t, err)
	assert.True(t, changed)
	config, err := ghostconf.Decode(second)
	require.NoError(t, err)
	assert.Equal(t, int64(2), config.Sequence)
}

func TestAHigherMajorIsRefusedByName(t *testing.T) {
	_, err := ghostconf.Decode([]byte(`{"version":"2.0.0"}`))
	var major *contract.MajorError
	require.ErrorAs(t, err, &major)
	assert.Equal(t, ghostconf.File, major.File)
	assert.Equal(t, ghostconf.Version, major.Reader.String(), "Version and the numbers that are compared agree")
}

func TestAReloadResultSurvivesARoundTrip(t *testing.T) {
	result := ghostconf.ReloadResult{Sequence: 7, Diagnostics: []ghostconf.Diagnostic{{Path: "routes[0].uid", Object: "HTTPRoute a/b", Message: "The route's UID is missing"}}}
	data, err := ghostconf.EncodeReloadResult(result)
	require.NoError(t, err)
	decoded, err := ghostconf.DecodeReloadResult(data)
	require.NoError(t, err)
	assert.Equal(t, result, decoded)

	refused, err := ghostconf.DecodeReloadResult([]byte(`{"sequence":6,"error":"ghost.json has version 2.0.0","diagnostics":[],"future":1}`))
	require.NoError(t, err)
	assert.Equal(t, "ghost.json has version 2.0.0", refused.Error)
	_, err = ghostconf.DecodeReloadResult([]byte("<html>"))
	assert.Error(t, err)
}
