// Package precedence decides once, for every reader of the contract, which of several matches is
// tried first: the order of the Gateway API (HTTPRouteRule.matches), spelt out in fields that
// compare one by one.
package precedence

import (
	"time"
	"unicode/utf8"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// Position is where a match stands.
type Position struct {
	// Namespace and Name of the route.
	Namespace, Name string
	// Created is when the route was; a route that does not say counts as the oldest.
	Created time.Time
	// Rule is the index of the rule in the route, and Match that of the match in the rule.
	Rule, Match int
}

// Rank returns the rank of a match in the order of all. The numbers are, in this order: the path's
// type (exact, prefix, regular expression), its length, whether a method is asked for, how many
// headers, how many query parameters, and when the route was created. The longer and the more go
// first, and so does the older. Ties are broken by the route's name, then by the indexes of rule and
// match in the route.
//
// The Gateway API leaves the place of regular expressions to the implementation; here they come
// after all prefixes.
func Rank(at Position, match *routing.Match) routing.Rank {
	return routing.Rank{
		Order: []int64{
			PathClass(match.Path.Type),
			-int64(utf8.RuneCountInString(match.Path.Value)),
			methodClass(match.Method),
			-int64(len(match.Headers)),
			-int64(len(match.QueryParams)),
			age(at.Created),
		},
		Name:     at.Namespace + "/" + at.Name,
		Position: []int64{int64(at.Rule), int64(at.Match)},
	}
}

// PositionOf reads out of a rank where its match stands: the indexes of the rule in its route, and
// of the match in its rule.
func PositionOf(rank routing.Rank) (rule, match int) {
	return int(rank.Position[0]), int(rank.Position[1])
}

// PathClass orders the types of paths; the smaller goes first.
func PathClass(t routing.PathMatchType) int64 {
	switch t {
	case routing.PathExact:
		return 0
	case routing.PathPrefix:
		return 1
	default:
		return 2
	}
}

func methodClass(method string) int64 {
	if method == "" {
		return 1
	}
	return 0
}

// age is when a route was created, in seconds.
func age(created time.Time) int64 {
	if created.IsZero() {
		return 0
	}
	return created.Unix()
}
