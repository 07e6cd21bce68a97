package routing_test

import (
	"fmt"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// configOf has one listener, count routes like those of a large installation, and a service for each ten of them.
func configOf(count int) routing.Config {
	config := routing.Config{
		Version:   routing.Version,
		Gateway:   routing.Gateway{Namespace: "infra", Name: "web", UID: "9b5b7f0e-6f43-4a43-9d43-3c3c3c3c3c3c"},
		Listeners: []routing.Listener{{Name: "http", Socket: "http-80", Port: 80, Protocol: routing.ProtocolHTTP}},
	}
	for i := range count {
		config.Routes = append(config.Routes, routeOf(i))
	}
	for i := range (count + 9) / 10 {
		name := fmt.Sprintf("service-%05d", i)
		config.Services = append(config.Services, routing.Service{
			ID: routing.ServiceID("team-a", name, 8080), Namespace: "team-a", Name: name, Port: 8080, PortName: "http",
		})
	}
	return config
}

func routeOf(number int) routing.Route {
	name := fmt.Sprintf("route-%05d", number)
	uid := fmt.Sprintf("0d5b7f0e-6f43-4a43-9d43-%012d", number)
	matchOf := func(rule int, path string) routing.Match {
		return routing.Match{
			Path: routing.PathMatch{Type: routing.PathPrefix, Value: path},
			Rank: routing.Rank{Order: []int64{1, -int64(len(path)), 1, 0, 0, 1_750_000_000}, Name: "team-a/" + name, Position: []int64{int64(rule), 0}},
		}
	}
	backends := []routing.Backend{{Service: routing.ServiceID("team-a", fmt.Sprintf("service-%05d", number/10), 8080), Weight: 1}}
	return routing.Route{
		Namespace:   "team-a",
		Name:        name,
		UID:         uid,
		Attachments: []routing.Attachment{{Listener: "http", Hostnames: []string{name + ".apps.example.com"}}},
		Rules: []routing.Rule{
			{ID: uid + "/api", Matches: []routing.Match{matchOf(0, "/api/v1")}, Backends: backends},
			{
				ID: uid + "/rest", Matches: []routing.Match{matchOf(1, "/")}, Backends: backends,
				Filters: []routing.Filter{{
					Type:                  routing.FilterRequestHeaderModifier,
					RequestHeaderModifier: &routing.HeaderModifier{Set: []routing.Header{{Name: "X-Team", Value: "a"}}},
				}},
			},
		},
	}
}
