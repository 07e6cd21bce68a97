package precedence

import (
	"cmp"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// candidate is a match with what it belongs to.
type candidate struct {
	route model.Route
	rule  model.Rule
	match model.Match
}

func (c candidate) rank() routing.Rank { return Rank(&c.route, &c.rule, &c.match) }

func path(kind model.PathKind, value string) model.Match {
	return model.Match{Path: model.PathMatch{Kind: kind, Value: value}}
}

func values(n int) []model.ValueMatch { return make([]model.ValueMatch, n) }

func TestRank(t *testing.T) {
	prefix := path(model.PathPrefix, "/a")
	withMethod, withHeader, withParam := prefix, prefix, prefix
	withMethod.Method, withHeader.Headers, withParam.QueryParams = "GET", values(1), values(1)
	twoHeaders := prefix
	twoHeaders.Headers = values(2)
	older := model.Route{Namespace: "z", Name: "z", Created: time.Unix(1000, 0)}
	younger := model.Route{Namespace: "a", Name: "a", Created: time.Unix(2000, 0)}
	sameAge := model.Route{Namespace: "b", Name: "a", Created: time.Unix(2000, 0)}

	for name, test := range map[string]struct{ first, second candidate }{
		"an exact path goes before a longer prefix": {
			candidate{match: path(model.PathExact, "/a")}, candidate{match: path(model.PathPrefix, "/a/longer")}},
		"a prefix goes before a longer regular expression": {
			candidate{match: path(model.PathPrefix, "/")}, candidate{match: path(model.PathRegex, "/a/longer.*")}},
		"a longer prefix goes before a shorter one": {
			candidate{match: path(model.PathPrefix, "/a/b")}, candidate{match: path(model.PathPrefix, "/a")}},
		"a longer prefix goes before a method": {
			candidate{match: path(model.PathPrefix, "/ab")}, candidate{match: withMethod}},
		"a method goes before any number of headers": {
			candidate{match: withMethod}, candidate{match: twoHeaders}},
		"more headers go before fewer":           {candidate{match: twoHeaders}, candidate{match: withHeader}},
		"a header goes before a query parameter": {candidate{match: withHeader}, candidate{match: withParam}},
		"a query parameter goes before none":     {candidate{match: withParam}, candidate{match: prefix}},
		"a query parameter goes before an older route": {
			candidate{route: younger, match: withParam}, candidate{route: older, match: prefix}},
		"an older route goes before a younger one, whatever their names": {
			candidate{route: older, match: prefix}, candidate{route: younger, match: prefix}},
		"of routes of one age the namespace decides": {
			candidate{route: younger, match: prefix}, candidate{route: sameAge, match: prefix}},
		"a route's name decides before the place of its rule": {
			candidate{route: younger, rule: model.Rule{Index: 5}, match: prefix}, candidate{route: sameAge, match: prefix}},
		"an earlier rule goes before a later one": {
			candidate{match: prefix}, candidate{rule: model.Rule{Index: 1}, match: prefix}},
		"an earlier match goes before a later one": {
			candidate{match: prefix}, candidate{match: model.Match{Index: 1, Path: prefix.Path}}},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Negative(t, test.first.rank().Compare(test.second.rank()))
			assert.Positive(t, test.second.rank().Compare(test.first.rank()))
		})
	}
}

func candidates() *rapid.Generator[candidate] {
	return rapid.Custom(func(t *rapid.T) candidate {
		small := rapid.IntRange(0, 2)
		return candidate{
			route: model.Route{
				Namespace: rapid.StringMatching(`[ab]`).Draw(t, "namespace"),
				Name:      rapid.StringMatching(`[a-c]{1,2}`).Draw(t, "name"),
				Created:   time.Unix(rapid.Int64Range(1, 3).Draw(t, "created"), 0),
			},
			rule: model.Rule{Index: small.Draw(t, "rule")},
			match: model.Match{
				Index:       small.Draw(t, "match"),
				Path:        model.PathMatch{Kind: model.PathKind(small.Draw(t, "kind")), Value: rapid.StringMatching(`/[a-b]{0,2}`).Draw(t, "path")},
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
	name := func(c candidate) string { return c.route.Namespace + "/" + c.route.Name }
	return cmp.Or(
		cmp.Compare(a.match.Path.Kind, b.match.Path.Kind),
		cmp.Compare(len(b.match.Path.Value), len(a.match.Path.Value)),
		cmp.Compare(len(b.match.Method), len(a.match.Method)),
		cmp.Compare(len(b.match.Headers), len(a.match.Headers)),
		cmp.Compare(len(b.match.QueryParams), len(a.match.QueryParams)),
		a.route.Created.Compare(b.route.Created),
		cmp.Compare(name(a), name(b)),
		cmp.Compare(a.rule.Index, b.rule.Index),
		cmp.Compare(a.match.Index, b.match.Index),
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
