// Package purge measures what a purge by tag takes while clients ask, with many objects in the cache.
package purge

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// plan says which objects there are, and which of them are purged. Objects have numbers from 0 on.
type plan struct {
	objects int
	// sizes of tags. Each object has one tag of each size.
	sizes   []int
	targets []target
	// rest is the first of the objects that are never purged.
	rest int
}

// target is a tag that is purged, with its objects: from first on.
type target struct {
	first, size int
}

func (t target) tag() string { return tag(t.size, t.first) }

func (t target) has(object int) bool { return object >= t.first && object < t.first+t.size }

// tag of this size that an object has.
func tag(size, object int) string { return fmt.Sprintf("of-%d-%d", size, object/size) }

// makePlan chooses targets that have no object in common: of each size one for each round, in rounds.
func makePlan(objects int, sizes []int, rounds int) (plan, error) {
	p := plan{objects: objects, sizes: sizes}
	bySize := map[int][]target{}
	for _, size := range slices.Backward(slices.Sorted(slices.Values(sizes))) {
		if size < 1 {
			return plan{}, fmt.Errorf("a tag cannot have %d objects", size)
		}
		for range rounds {
			first := (p.rest + size - 1) / size * size
			bySize[size] = append(bySize[size], target{first, size})
			p.rest = first + size
		}
	}
	if len(bySize) != len(sizes) || rounds < 1 {
		return plan{}, errors.New("there must be a round, and sizes that differ")
	}
	if p.rest >= objects {
		return plan{}, fmt.Errorf("%d objects are too few: %d are purged, and some must be left", objects, p.rest)
	}
	for round := range rounds {
		for _, size := range sizes {
			p.targets = append(p.targets, bySize[size][round])
		}
	}
	return p, nil
}

// asked gives the object of a request while a target is purged: every second one is of the target, each in its turn, the
// others are of those that are never purged.
func (p plan) asked(t target, number int, random *rand.Rand) int {
	if number%2 == 0 {
		return t.first + number/2%t.size
	}
	return p.rest + random.IntN(p.objects-p.rest)
}
