package routing_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// ranks draws from few values, so that equal and nearly equal ranks occur often.
func ranks() *rapid.Generator[routing.Rank] {
	numbers := rapid.SliceOfN(rapid.Int64Range(-2, 2), 0, 3)
	names := rapid.StringMatching(`[ab]{0,2}(/[ab])?`)
	return rapid.Custom(func(t *rapid.T) routing.Rank {
		return routing.Rank{Order: numbers.Draw(t, "order"), Name: names.Draw(t, "name"), Position: numbers.Draw(t, "position")}
	})
}

func TestRanksAreInATotalOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := ranks().Draw(t, "a"), ranks().Draw(t, "b"), ranks().Draw(t, "c")
		assert.Zero(t, a.Compare(a), "every rank equals itself")
		assert.Equal(t, a.Compare(b), -b.Compare(a), "two ranks agree on their order")
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 {
			assert.LessOrEqual(t, a.Compare(c), 0, "the order is transitive")
		}
		equal := slices.Equal(a.Order, b.Order) && a.Name == b.Name && slices.Equal(a.Position, b.Position)
		assert.Equal(t, equal, a.Compare(b) == 0, "only equal ranks compare as equal")
	})
}

func TestSortingByRankDoesNotDependOnTheOrderBefore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOf(ranks()).Draw(t, "ranks")
		shuffled := rapid.Permutation(some).Draw(t, "shuffled")
		slices.SortFunc(some, routing.Rank.Compare)
		slices.SortFunc(shuffled, routing.Rank.Compare)
		assert.True(t, slices.EqualFunc(some, shuffled, func(a, b routing.Rank) bool { return a.Compare(b) == 0 }))
	})
}

func TestRanksCompareFieldByField(t *testing.T) {
	rank := func(order []int64, name string, position ...int64) routing.Rank {
		return routing.Rank{Order: order, Name: name, Position: position}
	}
	for name, c := range map[string]struct{ first, second routing.Rank }{
		"order before name":                 {rank([]int64{1}, "z", 9), rank([]int64{2}, "a", 0)},
		"name before position":              {rank([]int64{1}, "a", 9), rank([]int64{1}, "b", 0)},
		"position last":                     {rank([]int64{1}, "a", 0, 5), rank([]int64{1}, "a", 0, 10)},
		"the first number that differs":     {rank([]int64{1, 9}, "a"), rank([]int64{2, 0}, "a")},
		"negative numbers are smaller":      {rank([]int64{-10}, "a"), rank([]int64{-9}, "a")},
		"of two lists the shorter":          {rank([]int64{1}, "z"), rank([]int64{1, -5}, "a")},
		"names byte by byte, not by letter": {rank(nil, "B"), rank(nil, "a")},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Negative(t, c.first.Compare(c.second))
			assert.Positive(t, c.second.Compare(c.first))
		})
	}
}
