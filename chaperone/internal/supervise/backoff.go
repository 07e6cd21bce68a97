package supervise

import "time"

// Backoff is how long to wait before varnishd is started again.
type Backoff struct {
	// First wait, and the longest; each is twice the one before.
	First, Longest time.Duration
	// Steady is how long a varnishd must have run for the next wait to be the first again.
	Steady time.Duration

	next time.Duration
}

// DefaultBackoff starts varnishd again soon enough that clients who wait for a connection hardly
// notice, and keeps a varnishd that cannot start from using up the processor.
func DefaultBackoff() Backoff {
	return Backoff{First: 50 * time.Millisecond, Longest: 10 * time.Second, Steady: 20 * time.Second}
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
