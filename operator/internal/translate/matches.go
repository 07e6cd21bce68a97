package translate

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/precedence"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// defaultMatch is what a rule without matches has: it fits every request.
var defaultMatch = gatewayv1.HTTPRouteMatch{}

// translateMatches returns the matches of a rule that can be told. One that cannot takes no part: the
// others serve without it. The rule is at a position.
func translateMatches(at *field, rule precedence.Position, matches []gatewayv1.HTTPRouteMatch, found *problems) []routing.Match {
	if len(matches) == 0 {
		matches = []gatewayv1.HTTPRouteMatch{defaultMatch}
	}
	sound := make([]routing.Match, 0, len(matches))
	for i := range matches {
		var wrong problems
		here := at.at(i)
		m := translateMatch(&here, &matches[i], &wrong)
		if len(wrong) > 0 {
			*found = append(*found, wrong...)
			continue
		}
		rule.Match = i
		m.Rank = precedence.Rank(rule, &m)
		sound = append(sound, m)
	}
	return sound
}

func translateMatch(at *field, match *gatewayv1.HTTPRouteMatch, found *problems) routing.Match {
	const reason = string(gatewayv1.RouteReasonUnsupportedValue)
	path := at.child("path")
	m := routing.Match{Path: translatePath(&path, match.Path, found)}
	if match.Method != nil {
		m.Method = string(*match.Method)
		if !routing.ValidToken(m.Method) {
			unsupported(at, "method", m.Method, found)
		}
	}
	headers := at.child("headers")
	for i, h := range match.Headers {
		here := headers.at(i)
		regex := h.Type != nil && *h.Type == gatewayv1.HeaderMatchRegularExpression
		if h.Type != nil && !regex && *h.Type != gatewayv1.HeaderMatchExact {
			unsupported(&here, "type", *h.Type, found)
		}
		if !routing.ValidToken(string(h.Name)) {
			found.add(reason, here.String()+".name", "%q is not the name of a header", h.Name)
		}
		m.Headers = appendValue(m.Headers, strings.ToLower(string(h.Name)), h.Value, regex, &here, found)
	}
	params := at.child("queryParams")
	for i, q := range match.QueryParams {
		here := params.at(i)
		regex := q.Type != nil && *q.Type == gatewayv1.QueryParamMatchRegularExpression
		if q.Type != nil && !regex && *q.Type != gatewayv1.QueryParamMatchExact {
			unsupported(&here, "type", *q.Type, found)
		}
		if q.Name == "" {
			found.add(reason, here.String()+".name", "a query parameter needs a name")
		}
		m.QueryParams = appendValue(m.QueryParams, string(q.Name), q.Value, regex, &here, found)
	}
	return m
}

// appendValue adds a condition, unless one for the same name is there: only the first of a name counts.
func appendValue(list []routing.ValueMatch, name, value string, regex bool, at *field, found *problems) []routing.ValueMatch {
	if slices.ContainsFunc(list, func(v routing.ValueMatch) bool { return v.Name == name }) {
		return list
	}
	kind := routing.ValueExact
	if regex {
		kind = routing.ValueRegex
		checkRegex(at, value, found)
	}
	return append(list, routing.ValueMatch{Type: kind, Name: name, Value: value})
}

func translatePath(at *field, path *gatewayv1.HTTPPathMatch, found *problems) routing.PathMatch {
	kind, value := gatewayv1.PathMatchPathPrefix, "/"
	if path != nil && path.Type != nil {
		kind = *path.Type
	}
	if path != nil && path.Value != nil {
		value = *path.Value
	}
	switch kind {
	case gatewayv1.PathMatchExact:
		return checkedPath(at, routing.PathMatch{Type: routing.PathExact, Value: value}, found)
	case gatewayv1.PathMatchPathPrefix:
		return checkedPath(at, routing.PathMatch{Type: routing.PathPrefix, Value: withoutTrailingSlash(value)}, found)
	case gatewayv1.PathMatchRegularExpression:
		checkRegex(at, value, found)
		return routing.PathMatch{Type: routing.PathRegex, Value: value}
	default:
		unsupported(at, "type", kind, found)
		return routing.PathMatch{}
	}
}

// checkedPath refuses a path that no request can have.
func checkedPath(at *field, match routing.PathMatch, found *problems) routing.PathMatch {
	if problem := routing.PathProblem(match); problem != "" {
		found.add(string(gatewayv1.RouteReasonUnsupportedValue), at.String()+".value", "%q %s", match.Value, problem)
	}
	return match
}

// withoutTrailingSlash brings a prefix into the form in which prefixes compare: "/match/" means "/match".
func withoutTrailingSlash(prefix string) string {
	if trimmed := strings.TrimRight(prefix, "/"); trimmed != "" {
		return trimmed
	}
	return "/"
}

// checkRegex refuses what the contract's dialect does not allow, since no reader could compile it.
func checkRegex(at *field, expression string, found *problems) {
	if _, err := routing.CompilePattern(expression); err != nil {
		found.add(string(gatewayv1.RouteReasonUnsupportedValue), at.String()+".value", "%v", err)
	}
}

// unsupported tells of a value of a field of at that nobody carries out.
func unsupported[T ~string](at *field, name string, value T, found *problems) {
	found.add(string(gatewayv1.RouteReasonUnsupportedValue), at.String()+"."+name, "%s is not supported", value)
}
