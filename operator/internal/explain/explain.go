// Package explain says what a gateway would do with a request, and why, from manifests alone.
package explain

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
	"github.com/varnish-gateway/gateway/shared/decision"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Explanation is a decision with the objects behind it.
type Explanation struct {
	// Gateway that was asked, as "namespace/name".
	Gateway string
	// Request as it was understood.
	Request decision.Request
	decision.Explanation
	// Rules tells for each rule's ID where it stands.
	Rules map[string]Place
}

// Place is where a rule stands.
type Place struct {
	// Source of the HTTPRoute.
	Source manifest.Source
	// Index of the rule in the HTTPRoute.
	Index int
}

// ParseRequest turns a method, a URL and "Name: value" lines into a request. The URL's scheme and port say by
// which socket it comes in.
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
	for _, line := range headers {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return request, fmt.Errorf("header %q: need \"Name: value\"", line)
		}
		value = strings.TrimSpace(value)
		if strings.EqualFold(name, "host") {
			request.Host = value
			continue
		}
		request.Headers = append(request.Headers, routing.Header{Name: name, Value: value})
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

// Explain asks the Gateway named ("namespace/name", or a name in the default namespace), or the only one that
// has the request's socket where name is empty.
func Explain(set *manifest.Set, result translate.Result, name string, request decision.Request) (Explanation, error) {
	g, err := choose(result.Gateways, name, request.Socket)
	if err != nil {
		return Explanation{}, err
	}
	config := render.Config(g.Model)
	ghost := ghostconf.FromRouting(config, resolve(config.Services, manifest.Of[*discoveryv1.EndpointSlice](set)))
	return Explanation{
		Gateway:     g.Namespace + "/" + g.Name,
		Request:     request,
		Explanation: decision.New(ghost).Explain(request),
		Rules:       places(set, config.Routes),
	}, nil
}

func choose(gateways []translate.Gateway, name, socket string) (translate.Gateway, error) {
	if name != "" && !strings.Contains(name, "/") {
		name = "default/" + name
	}
	var found []translate.Gateway
	var names []string
	for _, g := range gateways {
		id := g.Namespace + "/" + g.Name
		if g.Held || name != "" && id != name {
			continue
		}
		if name == "" && !opens(g, socket) {
			continue
		}
		found, names = append(found, g), append(names, id)
	}
	switch {
	case len(found) == 1:
		return found[0], nil
	case len(found) > 1:
		return translate.Gateway{}, fmt.Errorf("several Gateways have socket %s: %s; name one with --gateway", socket, strings.Join(names, ", "))
	case name != "":
		return translate.Gateway{}, fmt.Errorf("there is no usable Gateway %s", name)
	case len(gateways) == 0:
		return translate.Gateway{}, errors.New("there is no Gateway of ours")
	}
	return translate.Gateway{}, fmt.Errorf("no Gateway has a listener for %s on port %s; there are %s", scheme(socket), port(socket), sockets(gateways))
}

func opens(g translate.Gateway, socket string) bool {
	for _, s := range g.Sockets {
		if s.Name() == socket {
			return true
		}
	}
	return false
}

func scheme(socket string) string { s, _, _ := strings.Cut(socket, "-"); return s }
func port(socket string) string   { _, p, _ := strings.Cut(socket, "-"); return p }

func sockets(gateways []translate.Gateway) string {
	var all []string
	for _, g := range gateways {
		for _, s := range g.Sockets {
			all = append(all, scheme(s.Name())+" on "+strconv.Itoa(int(s.Port)))
		}
	}
	if len(all) == 0 {
		return "none at all"
	}
	return strings.Join(all, ", ")
}

func places(set *manifest.Set, routes []routing.Route) map[string]Place {
	found := map[string]Place{}
	for _, route := range routes {
		source, _ := set.Source(manifest.Key{Kind: "HTTPRoute", Namespace: route.Namespace, Name: route.Name})
		for i, rule := range route.Rules {
			found[rule.ID] = Place{Source: source, Index: i}
		}
	}
	return found
}
