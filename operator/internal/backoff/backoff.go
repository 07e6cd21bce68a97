// Package backoff says how long to wait before what failed is tried again.
package backoff

import (
	"context"
	"time"
)

// Backoff doubles from First to Last. It is a plain value: a copy goes on by itself.
type Backoff struct {
	First, Last time.Duration

	next time.Duration
}

// Next is how long to wait now.
func (b *Backoff) Next() time.Duration {
	wait := max(b.First, b.next)
	b.next = min(2*wait, b.Last)
	return wait
}

// Reset begins with First again.
func (b *Backoff) Reset() { b.next = 0 }

// Sleep waits, or until ctx ends.
func Sleep(ctx context.Context, wait time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
}
