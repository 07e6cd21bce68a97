package render

import (
	"fmt"

	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/operator/internal/precedence"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// RoutingFiles are routing.json and, for a large Gateway, the shards beside it.
type RoutingFiles struct {
	// Head is the content of routing.json.
	Head []byte
	// Shards by their name ("00" to "31"); none while everything fits into the head. They are to be written
	// before the head.
	Shards map[string][]byte
	// Changed tells whether Head differs from the live one. The head holds the digests of the shards, so it
	// differs where a shard does.
	Changed bool
}

// Routing writes a Gateway's routing.json. Live is the content that is published now, or nil; its sequence
// is continued. It fails where the Gateway is too large even for shards.
func Routing(gateway *model.Gateway, live []byte) (RoutingFiles, error) {
	head, shards, err := routing.Split(Config(gateway), routing.PlainLimit)
	if err != nil {
		return RoutingFiles{}, fmt.Errorf("split the routes of Gateway %s/%s: %w", gateway.Namespace, gateway.Name, err)
	}
	data, changed, err := routing.Next(live, head)
	if err != nil {
		return RoutingFiles{}, fmt.Errorf("encode the routes of Gateway %s/%s: %w", gateway.Namespace, gateway.Name, err)
	}
	return RoutingFiles{Head: data, Shards: shards, Changed: changed}, nil
}

// Config returns a Gateway in the terms of the contract, whole and without a sequence.
func Config(gateway *model.Gateway) routing.Config {
	config := routing.Config{
		Version:     routing.Version,
		Gateway:     routing.Gateway{Namespace: gateway.Namespace, Name: gateway.Name, UID: gateway.UID},
		TrustedHops: gateway.TrustedHops,
		XVarnish:    gateway.XVarnish,
		Listeners:   make([]routing.Listener, 0, len(gateway.Listeners)),
		Routes:      make([]routing.Route, 0, len(gateway.Routes)),
		Services:    make([]routing.Service, 0, len(gateway.Services)),
	}
	for _, l := range gateway.Listeners {
		config.Listeners = append(config.Listeners, listener(l))
	}
	for i := range gateway.Routes {
		config.Routes = append(config.Routes, route(&gateway.Routes[i]))
	}
	for _, s := range gateway.Services {
		config.Services = append(config.Services, routing.Service{
			ID: s.ID().String(), Namespace: s.Namespace, Name: s.Name, Port: s.Port, PortName: s.PortName,
		})
	}
	return config
}

func listener(l model.Listener) routing.Listener {
	return routing.Listener{
		Name:         l.Name,
		Socket:       model.Socket{Protocol: l.Protocol, Port: l.Port}.Name(),
		Port:         l.Port,
		Protocol:     routing.Protocol(l.Protocol),
		Hostname:     l.Hostname,
		Certificates: l.Certificates,
	}
}

func route(r *model.Route) routing.Route {
	out := routing.Route{
		Namespace:   r.Namespace,
		Name:        r.Name,
		UID:         r.UID,
		Attachments: make([]routing.Attachment, 0, len(r.Attachments)),
		Rules:       make([]routing.Rule, 0, len(r.Rules)),
	}
	for _, a := range r.Attachments {
		out.Attachments = append(out.Attachments, routing.Attachment(a))
	}
	for i := range r.Rules {
		out.Rules = append(out.Rules, rule(r, &r.Rules[i]))
	}
	return out
}

func rule(of *model.Route, r *model.Rule) routing.Rule {
	out := routing.Rule{
		ID:      r.ID,
		Matches: make([]routing.Match, 0, len(r.Matches)),
		Filters: filters(r.Filters),
		Invalid: r.Invalid,
	}
	for i := range r.Matches {
		m := match(&r.Matches[i])
		m.Rank = precedence.Rank(of, r, &r.Matches[i])
		out.Matches = append(out.Matches, m)
	}
	for _, b := range r.Backends {
		backend := routing.Backend{Weight: b.Weight, Filters: filters(b.Filters), Invalid: b.Invalid}
		if b.Invalid == "" {
			backend.Service = b.Service.String()
		}
		out.Backends = append(out.Backends, backend)
	}
	return out
}

var pathTypes = map[model.PathKind]routing.PathMatchType{
	model.PathExact:  routing.PathExact,
	model.PathPrefix: routing.PathPrefix,
	model.PathRegex:  routing.PathRegex,
}

func match(m *model.Match) routing.Match {
	return routing.Match{
		Path:        routing.PathMatch{Type: pathTypes[m.Path.Kind], Value: m.Path.Value},
		Method:      m.Method,
		Headers:     values(m.Headers),
		QueryParams: values(m.QueryParams),
	}
}

func values(list []model.ValueMatch) []routing.ValueMatch {
	if len(list) == 0 {
		return nil
	}
	out := make([]routing.ValueMatch, 0, len(list))
	for _, v := range list {
		kind := routing.ValueExact
		if v.Regex {
			kind = routing.ValueRegex
		}
		out = append(out, routing.ValueMatch{Type: kind, Name: v.Name, Value: v.Value})
	}
	return out
}
