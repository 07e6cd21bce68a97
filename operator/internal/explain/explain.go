// Package explain says what a gateway would do with a request, and why, from manifests alone.
package explain

import (
	"fmt"
	"net/url"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/precedence"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
	"github.com/varnish-gateway/gateway/shared/decision"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Explanation is a decision with the objects behind it.
type Explanation struct {
	// Gateway that was asked, as "namespace/name".
	Gateway string `json:"gateway"`
	// Request as it was understood.
	Request decision.Request `json:"request"`
	decision.Explanation
	// Caching says how the request is cached; nil where no backend is asked for it.
	Caching *Caching `json:"caching,omitempty"`
	// Rules tells for each rule's ID where it stands.
	Rules map[string]Location `json:"rules"`
	// Unresolved are the conditions that say which references of the route that was taken do not
	// hold, and why.
	Unresolved []string `json:"unresolved"`
	// LeftOut are the listeners and routes of the Gateway that could not be asked, wholly or in
	// part.
	LeftOut []LeftOut `json:"leftOut"`
}

// Location is where a rule stands.
type Location struct {
	// Source of the HTTPRoute.
	Source manifest.Source `json:"source"`
	// Index of the rule in the HTTPRoute.
	Index int `json:"index"`
	// matches are the positions, in the rule, of those that are part of the configuration.
	matches []int
}

// ParseRequest turns a method, a URL and "Name: value" lines into a request. The URL's scheme and
// port say by which socket it comes in.
func ParseRequest(method, rawURL string, headers []string) (decision.Request, error) {
	u, err := url.Parse(rawURL)
	if err != nil {
		return decision.Request{}, err
	}
	port := map[string]string{"http": "80", "https": "443"}[u.Scheme]
	if port == "" || u.Host == "" {
		return decision.Request{}, fmt.Errorf("%q: need a whole URL that begins with http:// or https://", rawURL)
	}
	if u.Port() != "" {
		port = u.Port()
	}
	request := decision.Request{Socket: u.Scheme + "-" + port, Host: u.Host, Method: method, Target: target(u)}
	lines, err := parseHeaders(headers)
	if err != nil {
		return request, err
	}
	for _, line := range lines {
		if strings.EqualFold(line.Name, "host") {
			request.Host = line.Value
			continue
		}
		request.Headers = append(request.Headers, line)
	}
	return request, nil
}

// target is what a client would write into its request line; the URL's own spelling is kept.
func target(u *url.URL) string {
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" || u.ForceQuery {
		path += "?" + u.RawQuery
	}
	return path
}

// features are those of this release's gateways beyond the baseline of the contract.
var features = routing.NewFeatures()

// Explain asks the Gateway named ("namespace/name", or a name in the default namespace), or the
// only one that has the request's socket where name is empty.
func Explain(set *manifest.Set, result translate.Result, name string, request decision.Request) (Explanation, error) {
	g, status, err := choose(set, result, name, request.Socket)
	if err != nil {
		return Explanation{}, err
	}
	config := g.Model.Config
	ghost := ghostconf.FromRouting(config, resolve(config.Services, manifest.Of[*discoveryv1.EndpointSlice](set)))
	rules := locations(set, g.Model.Routes)
	explanation := decision.New(ghost, features).Explain(request)
	key := manifest.Key{Kind: "Gateway", Namespace: g.Namespace, Name: g.Name}
	cached, err := caching(set, key, ghost, explanation.Decision, rules[explanation.Decision.Rule].Index, request)
	if err != nil {
		return Explanation{}, err
	}
	explanation = restore(explanation, rules)
	return Explanation{
		Gateway:     g.Namespace + "/" + g.Name,
		Request:     request,
		Explanation: explanation,
		Caching:     cached,
		Unresolved:  unresolved(explanation.Decision.Route, status, result.Report.Routes),
		Rules:       rules,
		LeftOut:     leftOut(set, status, result.Report.Routes),
	}, nil
}

// locations tells of each rule where it stands.
func locations(set *manifest.Set, routes []routing.Route) map[string]Location {
	found := map[string]Location{}
	for _, route := range routes {
		source, _ := set.Source(manifest.Key{Kind: "HTTPRoute", Namespace: route.Namespace, Name: route.Name})
		for _, rule := range route.Rules {
			location := Location{Source: source}
			for _, match := range rule.Matches {
				index, at := precedence.PositionOf(match.Rank)
				location.Index, location.matches = index, append(location.matches, at)
			}
			found[rule.ID] = location
		}
	}
	return found
}

// restore puts into an explanation the positions that matches have in their HTTPRoute: those that
// cannot be told are left out of the configuration, and the router counts the others.
func restore(e decision.Explanation, locations map[string]Location) decision.Explanation {
	if e.Decision.Rule != "" {
		e.Decision.Match = locations[e.Decision.Rule].matches[e.Decision.Match]
	}
	for i := range e.Matches {
		m := &e.Matches[i]
		m.Match = locations[m.Rule].matches[m.Match]
	}
	return e
}
