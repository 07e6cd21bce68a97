package translate

import (
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// headerRules hold a filter that modifies headers to what the gateway can do, and to the one action that the Gateway API
// permits for each name of a filter.
type headerRules struct {
	filter routing.FilterType
	found  *problems
	// seen are the names so far, in lower case.
	seen map[string]bool
}

// headerModifier translates a filter of this type.
func headerModifier(
	at *field, filterType routing.FilterType, filter *gatewayv1.HTTPHeaderFilter, found *problems,
) *routing.HeaderModifier {
	rules := headerRules{filter: filterType, found: found, seen: map[string]bool{}}
	modifier := &routing.HeaderModifier{
		Set: rules.headers(at, routing.HeaderSet, filter.Set),
		Add: rules.headers(at, routing.HeaderAdd, filter.Add),
	}
	remove := at.child(string(routing.HeaderRemove))
	for i, name := range filter.Remove {
		here := remove.at(i)
		rules.checkName(&here, "", routing.HeaderRemove, name)
		modifier.Remove = append(modifier.Remove, name)
	}
	return modifier
}

func (r headerRules) headers(at *field, action routing.HeaderAction, list []gatewayv1.HTTPHeader) []routing.Header {
	var translated []routing.Header
	child := at.child(string(action))
	for i, header := range list {
		here, name := child.at(i), string(header.Name)
		r.checkName(&here, ".name", action, name)
		checkHeaderValue(&here, header, r.found)
		translated = append(translated, routing.Header{Name: name, Value: header.Value})
	}
	return translated
}

// checkName checks a name, which is at the field, or a member of it.
func (r headerRules) checkName(at *field, member string, action routing.HeaderAction, name string) {
	const reason = string(gatewayv1.RouteReasonUnsupportedValue)
	key := strings.ToLower(name)
	problem := routing.HeaderProblem(r.filter, action, name)
	switch {
	case problem != "":
		r.found.add(reason, at.String()+member, "%q %s", name, problem)
	case r.seen[key]:
		r.found.add(reason, at.String()+member, "a filter can have only one action for header %s", name)
	}
	r.seen[key] = true
}

// checkHeaderValue refuses what cannot be sent (RFC 9110, section 5.5), and a Host that is none.
func checkHeaderValue(at *field, header gatewayv1.HTTPHeader, found *problems) {
	const reason = string(gatewayv1.RouteReasonUnsupportedValue)
	if !routing.ValidHeaderValue(header.Value) {
		found.add(reason, at.String()+".value", "the value has a line break or another control character")
		return
	}
	if _, ok := routing.Host(header.Value); !ok && strings.EqualFold(string(header.Name), "host") {
		found.add(reason, at.String()+".value", "%q is no host", header.Value)
	}
}
