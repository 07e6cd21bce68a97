// Package precedence decides once, for every reader of the contract, which of several matches is tried
// first: the order of the Gateway API (HTTPRouteRule.matches), spelt out in fields that compare one by
// one.
package precedence

import (
	"unicode/utf8"

	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Rank returns the place of a match of a rule of a route. The numbers are, in this order: the path's kind
// (exact, prefix, regular expression), its length, whether a method is asked for, how many headers, how
// many query parameters, and when the route was created. The longer and the more go first, and so does
// the older. Ties are broken by the route's name, then by the places of rule and match in the route.
//
// The Gateway API leaves the place of regular expressions to the implementation; here they come after
// all prefixes.
func Rank(route *model.Route, rule *model.Rule, match *model.Match) routing.Rank {
	return routing.Rank{
		Order: []int64{
			int64(match.Path.Kind),
			-int64(utf8.RuneCountInString(match.Path.Value)),
			methodClass(match.Method),
			-int64(len(match.Headers)),
			-int64(len(match.QueryParams)),
			age(route),
		},
		Name:     route.Namespace + "/" + route.Name,
		Position: []int64{int64(rule.Index), int64(match.Index)},
	}
}

func methodClass(method string) int64 {
	if method == "" {
		return 1
	}
	return 0
}

// age is when the route was created, in seconds; a route that does not say counts as the oldest.
func age(route *model.Route) int64 {
	if route.Created.IsZero() {
		return 0
	}
	return route.Created.Unix()
}
