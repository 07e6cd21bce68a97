// Package status keeps the one value that says what this pod runs. Many parts of chaperone write to it; the admin API
// and the metrics read it.
package status

import (
	"context"
	"reflect"
	"slices"
	"sync"

	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// Board keeps the current status and wakes those who wait for a newer one. It is safe for concurrent
// use.
type Board struct {
	mu      sync.Mutex
	current adminapi.Status
	// changed is closed, and replaced, when current changes.
	changed chan struct{}
}

// NewBoard starts with the given value, as revision 1.
func NewBoard(initial adminapi.Status) *Board {
	initial.Revision = 1
	return &Board{current: normalize(initial), changed: make(chan struct{})}
}

// Get is the current status. The caller owns the copy.
func (b *Board) Get() adminapi.Status {
	b.mu.Lock()
	defer b.mu.Unlock()
	return clone(b.current)
}

// Update lets change edit the status. The revision grows only where that made a difference.
func (b *Board) Update(change func(*adminapi.Status)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	next := clone(b.current)
	change(&next)
	next.Revision = b.current.Revision
	next = normalize(next)
	if reflect.DeepEqual(next, b.current) {
		return
	}
	next.Revision++
	b.current = next
	close(b.changed)
	b.changed = make(chan struct{})
}

// Wait returns the status as soon as its revision is greater than after, or the current one when ctx
// ends.
func (b *Board) Wait(ctx context.Context, after int64) adminapi.Status {
	for {
		b.mu.Lock()
		current, changed := clone(b.current), b.changed
		b.mu.Unlock()
		if current.Revision > after {
			return current
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return b.Get()
		}
	}
}

// normalize makes lists that are empty one value, so that JSON shows [] and comparison sees no change.
func normalize(s adminapi.Status) adminapi.Status {
	s.Routing.Diagnostics = orEmpty(s.Routing.Diagnostics)
	s.VCL.LeftOut = orEmpty(s.VCL.LeftOut)
	s.Certificates.Problems = orEmpty(s.Certificates.Problems)
	s.Certificates.Presented = orEmpty(s.Certificates.Presented)
	s.Sockets = orEmpty(s.Sockets)
	return s
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

func clone(s adminapi.Status) adminapi.Status {
	s.Routing.Diagnostics = slices.Clone(s.Routing.Diagnostics)
	s.VCL.LeftOut = slices.Clone(s.VCL.LeftOut)
	s.Certificates.Problems = slices.Clone(s.Certificates.Problems)
	s.Certificates.Presented = slices.Clone(s.Certificates.Presented)
	s.Sockets = slices.Clone(s.Sockets)
	return s
}
