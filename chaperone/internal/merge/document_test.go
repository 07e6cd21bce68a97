package merge

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func config(sequence int64, routes int) routing.Config {
	c := routing.Config{
		Sequence: sequence, Gateway: routing.Gateway{Namespace: "shop", Name: "edge"},
		Listeners: []routing.Listener{{Name: "web", Socket: "https-443", Port: 443, Protocol: routing.ProtocolHTTPS, Certificates: []string{"a"}}},
	}
	if routes > 0 {
		// Its text looks like the beginning of the tables that are put together.
		c.CachePolicies = []routing.CachePolicy{{ID: "p", Policies: []string{`"routes":[`}, Zone: `"services":[`}}
	}
	for i := range routes {
		name := fmt.Sprintf("route-%05d", i)
		service := routing.Service{ID: "shop/" + name + ":80", Namespace: "shop", Name: name, Port: 80}
		c.Services = append(c.Services, service)
		c.Routes = append(c.Routes, routing.Route{
			Namespace: "shop", Name: name, UID: name,
			Attachments: []routing.Attachment{{Listener: "web", Hostnames: []string{name + ".example.com"}}},
			Rules: []routing.Rule{{
				ID: name + "/0", CachePolicy: "p", Needs: []routing.Feature{"tomorrow"},
				Matches:  []routing.Match{{Path: routing.PathMatch{Type: routing.PathPrefix, Value: "/"}, Rank: routing.Rank{Order: []int64{0}, Name: name, Position: []int64{0, 0}}}},
				Backends: []routing.Backend{{Service: service.ID, Weight: 1}},
			}},
		})
	}
	return c
}

// one endpoint for each service, with the given port.
func one(port int32) func(routing.Service) []ghostconf.Endpoint {
	return func(routing.Service) []ghostconf.Endpoint {
		return []ghostconf.Endpoint{{Address: "10.0.0.1", Port: port}}
	}
}

func TestTheSameContentGivesTheSameBytes(t *testing.T) {
	document, err := Prepare(config(7, 3))
	require.NoError(t, err)
	first, err := document.Ghost(nil, one(80))
	require.NoError(t, err)
	assert.True(t, first.Changed)
	assert.Equal(t, Ghost{Data: first.Data, Changed: true, Sequence: 1, RoutingSequence: 7, Routes: 3, Services: 3, Endpoints: 3, Document: document}, first)

	again, err := document.Ghost(first.Data, one(80))
	require.NoError(t, err)
	assert.False(t, again.Changed)
	assert.Equal(t, first.Data, again.Data)

	moved, err := document.Ghost(first.Data, one(81))
	require.NoError(t, err)
	assert.True(t, moved.Changed)
	assert.EqualValues(t, 2, moved.Sequence)
}

func TestNeedsTravelWithTheirRecords(t *testing.T) {
	source := config(1, 1)
	source.Listeners[0].Needs = []routing.Feature{"listener-feature"}
	source.Services[0].Needs = []routing.Feature{"service-feature"}
	document, err := Prepare(source)
	require.NoError(t, err)
	ghost, err := document.Ghost(nil, one(80))
	require.NoError(t, err)
	got, err := ghostconf.Decode(ghost.Data)
	require.NoError(t, err)
	assert.Equal(t, []routing.Feature{"listener-feature"}, got.Listeners[0].Needs)
	assert.Equal(t, []routing.Feature{"service-feature"}, got.Services[0].Needs)
	assert.Equal(t, []routing.Feature{"tomorrow"}, got.Routes[0].Rules[0].Needs)
}

// What is put together from parts must be what the contract's own encoder gives for the whole.
func TestThePartsMakeTheCanonicalWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		source := config(rapid.Int64Range(1, 1<<40).Draw(t, "sequence"), rapid.IntRange(0, 4).Draw(t, "routes"))
		if rapid.Bool().Draw(t, "hops") {
			source.TrustedHops = []string{"10.0.0.0/8"}
		}
		if rapid.Bool().Draw(t, "no listeners") {
			source.Listeners = nil
		}
		for i := range source.Routes {
			source.Routes[i].Rules[0].Matches[0].Path.Value = "/" + rapid.String().Draw(t, "path")
		}
		endpoints := map[string][]ghostconf.Endpoint{}
		for _, service := range source.Services {
			for range rapid.IntRange(0, 3).Draw(t, "endpoints") {
				address := fmt.Sprintf("10.0.0.%d", rapid.IntRange(1, 9).Draw(t, "address"))
				endpoints[service.ID] = append(endpoints[service.ID], ghostconf.Endpoint{Address: address, Port: 80})
			}
		}
		whole := ghostconf.FromRouting(source, endpoints)
		whole.Sequence = 1
		want, err := ghostconf.Encode(whole)
		require.NoError(t, err)

		document, err := Prepare(source)
		require.NoError(t, err)
		ghost, err := document.Ghost(nil, func(s routing.Service) []ghostconf.Endpoint { return endpoints[s.ID] })
		require.NoError(t, err)
		require.Equal(t, string(want), string(ghost.Data))
	})
}

func BenchmarkEndpointChangeWith10000Routes(b *testing.B) {
	document, err := Prepare(config(1, 10_000))
	require.NoError(b, err)
	port := int32(0)
	for b.Loop() {
		port++
		if _, err := document.Ghost(nil, one(port)); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkRouteChangeWith10000Routes(b *testing.B) {
	data, err := routing.Encode(config(1, 10_000))
	require.NoError(b, err)
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		source, err := routing.Decode(data)
		if err != nil {
			b.Fatal(err)
		}
		document, err := Prepare(source)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := document.Ghost(nil, one(80)); err != nil {
			b.Fatal(err)
		}
	}
}

func TestTheCompleteRoutingIsGivenBack(t *testing.T) {
	for name, source := range map[string]routing.Config{
		"nothing":                    {},
		"listeners alone":            config(3, 0),
		"routes and services":        config(3, 4),
		"routes without any service": {Sequence: 1, Routes: config(1, 2).Routes},
		"services without any route": {Sequence: 1, Services: config(1, 2).Services},
	} {
		t.Run(name, func(t *testing.T) {
			want, err := routing.Encode(source)
			require.NoError(t, err)
			document, err := Prepare(source)
			require.NoError(t, err)
			got, err := document.Routing()
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got))
		})
	}
}

func TestWhatGhostDoesNotReadIsCheckedHere(t *testing.T) {
	source := config(1, 2)
	source.Listeners[0].Socket, source.Listeners[0].Certificates = "https-80", []string{"../key"}
	source.Services[1].ID = "shop/other:80"
	document, err := Prepare(source)
	require.NoError(t, err)
	var paths []string
	for _, diagnostic := range document.Diagnostics() {
		paths = append(paths, diagnostic.Path)
	}
	assert.Equal(t, []string{"listeners[0].socket", "listeners[0].certificates[0]", "services[1].id"}, paths)
}
