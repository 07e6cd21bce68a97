package routing_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/corpus"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestEncodingDoesNotDependOnTheOrderOfRoutesAndServices(t *testing.T) {
	config := configOf(50)
	want, err := routing.Encode(config)
	require.NoError(t, err)

	random := rand.New(rand.NewPCG(1, 2))
	random.Shuffle(len(config.Routes), func(i, j int) { config.Routes[i], config.Routes[j] = config.Routes[j], config.Routes[i] })
	random.Shuffle(len(config.Services), func(i, j int) {
		config.Services[i], config.Services[j] = config.Services[j], config.Services[i]
	})
	first := config.Routes[0].Name
	got, err := routing.Encode(config)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
	assert.Equal(t, first, config.Routes[0].Name, "the caller's own list is left as it is")
}

func TestEncodingDoesNotTellMissingListsFromEmptyOnes(t *testing.T) {
	missing := routing.Config{Routes: []routing.Route{{Namespace: "a", Name: "b"}}}
	empty := routing.Config{
		Settings: routing.Settings{TrustedHops: []string{}}, Listeners: []routing.Listener{}, Services: []routing.Service{}, Shards: []routing.ShardRef{},
		Routes: []routing.Route{{Namespace: "a", Name: "b", Attachments: []routing.Attachment{}, Rules: []routing.Rule{}}},
	}
	a, err := routing.Encode(missing)
	require.NoError(t, err)
	b, err := routing.Encode(empty)
	require.NoError(t, err)
	assert.Equal(t, string(a), string(b))
	assert.NotContains(t, string(a), "null")
}

func TestAnEmptyFilterStaysAFilter(t *testing.T) {
	config := configOf(1)
	config.Routes[0].Rules[0].Filters = []routing.Filter{{Type: routing.FilterURLRewrite, URLRewrite: &routing.URLRewrite{}}}
	data, err := routing.Encode(config)
	require.NoError(t, err)
	decoded, err := routing.Decode(data)
	require.NoError(t, err)
	assert.Empty(t, routing.Validate(decoded, nil))
}

// A field may be there without a value (RFC 9110 section 5.5): that is not any value.
func TestABypassHeaderKeepsItsEmptyValue(t *testing.T) {
	config := configOf(1)
	config.CachePolicies = []routing.CachePolicy{{ID: "p", Bypass: routing.CacheBypass{Headers: []routing.BypassHeader{
		{Name: "x-any"}, {Name: "x-empty", Value: new("")}, {Name: "x-one", Value: new("1")},
	}}}}
	data, err := routing.Encode(config)
	require.NoError(t, err)
	decoded, err := routing.Decode(data)
	require.NoError(t, err)
	assert.Equal(t, config.CachePolicies[0].Bypass, decoded.CachePolicies[0].Bypass)
}

func TestEveryValidFileSurvivesARoundTrip(t *testing.T) {
	files, err := corpus.Valid("routing")
	require.NoError(t, err)
	for _, file := range files {
		t.Run(file.Name, func(t *testing.T) {
			config, err := routing.Decode(file.Data)
			require.NoError(t, err)
			once, err := routing.Encode(config)
			require.NoError(t, err)
			again, err := routing.DecodeStrict(once)
			require.NoError(t, err)
			twice, err := routing.Encode(again)
			require.NoError(t, err)
			assert.Equal(t, string(once), string(twice))
			config.Version = routing.Version
			assert.Equal(t, config, again, "nothing that this build knows is lost")
		})
	}
}

func TestTheVersionIsWhatTheBuildReads(t *testing.T) {
	data, err := routing.Encode(routing.Config{Version: "0.0.1"})
	require.NoError(t, err)
	config, err := routing.Decode(data)
	require.NoError(t, err)
	assert.Equal(t, routing.Version, config.Version, "a writer writes its own version, whatever it was given")
}

func TestTheStrictDecoderRefusesUnknownMembers(t *testing.T) {
	_, err := routing.DecodeStrict([]byte(`{"version":"1.0.0","future":1}`))
	var syntax *contract.SyntaxError
	assert.ErrorAs(t, err, &syntax)
}
