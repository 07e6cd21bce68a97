package routing

import "github.com/varnish-gateway/gateway/shared/internal/check"

// maxWeight is the Gateway API's limit for the weight of a backendRef.
const maxWeight = 1_000_000

// References are the records that routes may refer to.
type References struct {
	// Listeners by name.
	Listeners map[string]bool
	// Services by ID; nil where the file at hand does not hold them.
	Services map[string]bool
	// CachePolicies by ID; nil where the file at hand does not hold them.
	CachePolicies map[string]bool
}

// ValidateRoutes gives the problems of routes, which routing.json and ghost.json share. Features are those of
// the reader.
func ValidateRoutes(routes []Route, known References, features Features) []Diagnostic {
	checker := routeChecker{known: known, features: features, names: map[string]bool{}, rules: map[string]bool{}}
	for i := range routes {
		checker.route(root.At("routes", i), &routes[i])
	}
	return checker.Diagnostics
}

// Key is the route's "namespace/name".
func (r *Route) Key() string { return r.Namespace + "/" + r.Name }

type routeChecker struct {
	check.Report
	known    References
	features Features
	// names of the routes and IDs of the rules so far.
	names, rules map[string]bool
}

func (c *routeChecker) route(path *check.Path, route *Route) {
	c.Object = "HTTPRoute " + route.Key()
	switch {
	case route.Namespace == "" && route.Name == "":
		c.Add(path.Field("namespace"), "The route's namespace is missing")
		c.Add(path.Field("name"), "The route's name is missing")
	case route.Namespace == "":
		c.Add(path.Field("namespace"), "The route's namespace is missing")
	case route.Name == "":
		c.Add(path.Field("name"), "The route's name is missing")
	case c.names[route.Key()]:
		c.Add(path.Field("name"), "The route %s occurs twice", route.Key())
	}
	c.names[route.Key()] = true
	if route.UID == "" {
		c.Add(path.Field("uid"), "The route's UID is missing")
	}
	for i, attachment := range route.Attachments {
		c.attachment(path.At("attachments", i), attachment, len(route.Rules))
	}
	for i := range route.Rules {
		c.rule(path.At("rules", i), &route.Rules[i])
	}
}

func (c *routeChecker) attachment(path *check.Path, attachment Attachment, rules int) {
	if !c.known.Listeners[attachment.Listener] {
		c.Add(path.Field("listener"), "There is no listener %q", attachment.Listener)
	}
	for i, hostname := range attachment.Hostnames {
		if !ValidHostnamePattern(hostname) {
			c.Add(path.At("hostnames", i), "%q is not a hostname in lower case, nor a wildcard", hostname)
		}
	}
	if count := len(attachment.CachePolicies); count > 0 && count != rules {
		c.Add(path.Field("cachePolicies"), "%d policies are none for %d rules", count, rules)
		return
	}
	for i, id := range attachment.CachePolicies {
		if id != "" && c.known.CachePolicies != nil && !c.known.CachePolicies[id] {
			c.Add(path.At("cachePolicies", i), "There is no cache policy %q", id)
		}
	}
}

func (c *routeChecker) rule(path *check.Path, rule *Rule) {
	switch {
	case rule.ID == "":
		c.Add(path.Field("id"), "The rule's ID is missing")
	case c.rules[rule.ID]:
		c.Add(path.Field("id"), "The ID %q is taken by an earlier rule", rule.ID)
	}
	c.rules[rule.ID] = true
	if len(rule.Matches) == 0 {
		c.Add(path.Field("matches"), "A rule without matches never matches")
	}
	for i := range rule.Matches {
		c.match(path.At("matches", i), &rule.Matches[i])
	}
	c.filters(path, rule.Filters, rule.Matches)
	for i := range rule.Backends {
		c.backend(path.At("backends", i), &rule.Backends[i], rule.Matches)
	}
	if rule.CachePolicy != "" && c.known.CachePolicies != nil && !c.known.CachePolicies[rule.CachePolicy] {
		c.Add(path.Field("cachePolicy"), "There is no cache policy %q", rule.CachePolicy)
	}
	checkNeeds(&c.Report, path, rule.Needs, c.features)
}

func (c *routeChecker) backend(path *check.Path, backend *Backend, matches []Match) {
	switch {
	case backend.Invalid != "":
	case backend.Service == "":
		c.Add(path.Field("service"), "The backend names no service")
	case c.known.Services != nil && !c.known.Services[backend.Service]:
		c.Add(path.Field("service"), "There is no service %q", backend.Service)
	}
	if backend.Weight < 0 || backend.Weight > maxWeight {
		c.Add(path.Field("weight"), "The weight %d is not within 0 and %d", backend.Weight, maxWeight)
	}
	c.filters(path, backend.Filters, matches)
	checkNeeds(&c.Report, path, backend.Needs, c.features)
}
