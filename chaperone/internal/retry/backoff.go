// Package retry says how long to wait before something that has failed is tried again, and waits.
package retry

import (
	"context"
	"time"

	"k8s.io/utils/clock"
)

// Backoff is how long to wait before something is tried again.
type Backoff struct {
	// First wait, and the longest; each is twice the one before.
	First, Longest time.Duration
	// Steady is how long it must have worked for the next wait to be the first again.
	Steady time.Duration

	next time.Duration
}

// After is the wait that follows a run of the given length.
func (b *Backoff) After(ran time.Duration) time.Duration {
	if b.next == 0 || ran >= b.Steady {
		b.next = b.First
	}
	wait := b.next
	b.next = min(2*b.next, b.Longest)
	return wait
}

// Reset makes the next wait the first again.
func (b *Backoff) Reset() { b.next = 0 }

// Sleep returns after d, or when ctx ends; then it says that it did not last as long.
func Sleep(ctx context.Context, clock clock.Clock, d time.Duration) (whole bool) {
	if d <= 0 {
		return ctx.Err() == nil
	}
	timer := clock.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C():
		return true
	case <-ctx.Done():
		return false
	}
}
