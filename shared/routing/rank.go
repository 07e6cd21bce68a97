package routing

import (
	"cmp"
	"slices"
)

// Compare is negative if r is tried before other, positive if after, 0 if the two ranks are the same. It is a
// total order. Of two lists of which one begins the other, the shorter goes first.
func (r Rank) Compare(other Rank) int {
	return cmp.Or(
		slices.Compare(r.Order, other.Order),
		cmp.Compare(r.Name, other.Name),
		slices.Compare(r.Position, other.Position),
	)
}
