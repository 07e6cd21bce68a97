package ghostconf_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestMergingRoutingAndEndpoints(t *testing.T) {
	needs := []routing.Feature{"test-a"}
	source := routing.Config{
		Sequence: 9,
		Settings: routing.Settings{TrustedHops: []string{"10.0.0.0/8"}},
		Listeners: []routing.Listener{{
			Name: "https", Socket: "https-443", Port: 443, Protocol: routing.ProtocolHTTPS, Hostname: "*.a.example",
			Certificates: []string{"c0ffee"}, Needs: needs,
		}},
		Routes: []routing.Route{{Namespace: "a", Name: "b", UID: "u"}},
		Services: []routing.Service{
			{ID: "a/gone:80", Namespace: "a", Name: "gone", Port: 80},
			{ID: "a/web:80", Namespace: "a", Name: "web", Port: 80, Needs: needs},
		},
	}
	endpoints := map[string][]ghostconf.Endpoint{
		"a/web:80":   {{Address: "10.0.0.2", Port: 8080}, {Address: "10.0.0.1", Port: 8080}},
		"a/other:80": {{Address: "10.0.0.3", Port: 8080}},
	}
	assert.Equal(t, ghostconf.Config{
		Version:         ghostconf.Version,
		RoutingSequence: 9,
		Settings:        routing.Settings{TrustedHops: []string{"10.0.0.0/8"}},
		Listeners: []ghostconf.Listener{{
			Name: "https", Socket: "https-443", Port: 443, Protocol: routing.ProtocolHTTPS, Hostname: "*.a.example", Needs: needs,
		}},
		Routes: source.Routes,
		Services: []ghostconf.Service{
			{ID: "a/gone:80"},
			{ID: "a/web:80", Endpoints: []ghostconf.Endpoint{{Address: "10.0.0.1", Port: 8080}, {Address: "10.0.0.2", Port: 8080}}, Needs: needs},
		},
	}, ghostconf.FromRouting(source, endpoints))
}
