package precedence

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// candidate is a match with its place.
type candidate struct {
	at    Position
	match routing.Match
}

func (c candidate) rank() routing.Rank { return Rank(c.at, &c.match) }

func path(kind routing.PathMatchType, value string) routing.Match {
	return routing.Match{Path: routing.PathMatch{Type: kind, Value: value}}
}

func values(n int) []routing.ValueMatch { return make([]routing.ValueMatch, n) }

func TestRank(t *testing.T) {
	prefix := path(routing.PathPrefix, "/a")
	withMethod, withHeader, withParam := prefix, prefix, prefix
	withMethod.Method, withHeader.Headers, withParam.QueryParams = "GET", values(1), values(1)
	twoHeaders := prefix
	twoHeaders.Headers = values(2)
	older := Position{Namespace: "z", Name: "z", Created: time.Unix(1000, 0)}
	younger := Position{Namespace: "a", Name: "a", Created: time.Unix(2000, 0)}
	sameAge := Position{Namespace: "b", Name: "a", Created: time.Unix(2000, 0)}
	fifth := younger
	fifth.Rule = 5

	for name, test := range map[string]struct{ first, second candidate }{
		"an exact path goes before a longer prefix": {
			candidate{match: path(routing.PathExact, "/a")}, candidate{match: path(routing.PathPrefix, "/a/longer")}},
		"a prefix goes before a longer regular expression": {
			candidate{match: path(routing.PathPrefix, "/")}, candidate{match: path(routing.PathRegex, "/a/longer.*")}},
		"a longer prefix goes before a shorter one": {
			candidate{match: path(routing.PathPrefix, "/a/b")}, candidate{match: path(routing.PathPrefix, "/a")}},
		"a longer prefix goes before a method": {
			candidate{match: path(routing.PathPrefix, "/ab")}, candidate{match: withMethod}},
		"a method goes before any number of headers": {
			candidate{match: withMethod}, candidate{match: twoHeaders}},
		"more headers go before fewer":           {candidate{match: twoHeaders}, candidate{match: withHeader}},
		"a header goes before a query parameter": {candidate{match: withHeader}, candidate{match: withParam}},
		"a query parameter goes before none":     {candidate{match: withParam}, candidate{match: prefix}},
		"a query parameter goes before an older route": {
			candidate{at: younger, match: withParam}, candidate{at: older, match: prefix}},
		"an older route goes before a younger one, whatever their names": {
			candidate{at: older, match: prefix}, candidate{at: younger, match: prefix}},
		"of routes of one age the namespace decides": {
			candidate{at: younger, match: prefix}, candidate{at: sameAge, match: prefix}},
		"a route's name decides before the place of its rule": {
			candidate{at: fifth, match: prefix}, candidate{at: sameAge, match: prefix}},
		"an earlier rule goes before a later one": {
			candidate{match: prefix}, candidate{at: Position{Rule: 1}, match: prefix}},
		"an earlier match goes before a later one": {
			candidate{match: prefix}, candidate{at: Position{Match: 1}, match: prefix}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Negative(t, test.first.rank().Compare(test.second.rank()))
			assert.Positive(t, test.second.rank().Compare(test.first.rank()))
		})
	}
}

// pathTypes in the order in which they go.
var pathTypes = []routing.PathMatchType{routing.PathExact, routing.PathPrefix, routing.PathRegex}

func candidates() *rapid.Generator[candidate] {
	return rapid.Custom(func(t *rapid.T) candidate {
		small := rapid.IntRange(0, 2)
		return candidate{
			at: Position{
				Namespace: rapid.StringMatching(`[ab]`).Draw(t, "namespace"),
				Name:      rapid.StringMatching(`[a-c]{1,2}`).Draw(t, "name"),
				Created:   time.Unix(rapid.Int64Range(1, 3).Draw(t, "created"), 0),
				Rule:      small.Draw(t, "rule"),
				Match:     small.Draw(t, "match"),
			},
			match: routing.Match{
				Path:        routing.PathMatch{Type: pathTypes[small.Draw(t, "type")], Value: rapid.StringMatching(`/[a-b]{0,2}`).Draw(t, "path")},
				Method:      rapid.SampledFrom([]string{"", "GET"}).Draw(t, "method"),
				Headers:     values(small.Draw(t, "headers")),
				QueryParams: values(small.Draw(t, "params")),
			},
		}
	})
}

// The Gateway API's words, written down independently of Rank: a list of questions, of which the first
// that tells two matches apart decides.
func specification(a, b candidate) int {
	name := func(c candidate) string { return c.at.Namespace + "/" + c.at.Name }
	return cmp.Or(
		cmp.Compare(slices.Index(pathTypes, a.match.Path.Type), slices.Index(pathTypes, b.match.Path.Type)),
		cmp.Compare(len(b.match.Path.Value), len(a.match.Path.Value)),
		cmp.Compare(len(b.match.Method), len(a.match.Method)),
		cmp.Compare(len(b.match.Headers), len(a.match.Headers)),
		cmp.Compare(len(b.match.QueryParams), len(a.match.QueryParams)),
		a.at.Created.Compare(b.at.Created),
		cmp.Compare(name(a), name(b)),
		cmp.Compare(a.at.Rule, b.at.Rule),
		cmp.Compare(a.at.Match, b.at.Match),
	)
}

func TestRankAgreesWithTheSpecification(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := candidates().Draw(t, "a"), candidates().Draw(t, "b")
		assert.Equal(t, specification(a, b), a.rank().Compare(b.rank()))
	})
}

func TestRankIsATotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := rapid.SliceOfN(candidates(), 3, 12).Draw(t, "candidates")
		shuffled := rapid.Permutation(list).Draw(t, "shuffled")
		byRank := func(a, b candidate) int { return a.rank().Compare(b.rank()) }
		slices.SortFunc(list, byRank)
		slices.SortFunc(shuffled, byRank)
		for i := range list {
			assert.Zero(t, byRank(list[i], shuffled[i]), "the order does not depend on where the matches began")
		}
	})
}

func TestARankTellsWhereItsMatchStands(t *testing.T) {
	rule, match := PositionOf(Rank(Position{Rule: 3, Match: 5}, &routing.Match{}))
	assert.Equal(t, []int{3, 5}, []int{rule, match})
}
