// Package reload brings changes into effect: it gathers what a source finds, merges it, and drives ghost's
// reload. The last good configuration stays in effect, and on disk, whatever comes.
package reload

import "time"

// Coalescer decides when changes are applied: the first at once, those that follow it closely after a quiet
// period, but none later than the longest wait, so that constant change starves nobody.
type Coalescer struct {
	// Quiet is how long nothing must have changed.
	Quiet time.Duration
	// Longest is how long a change may wait.
	Longest time.Duration

	applied     time.Time
	first, last time.Time
	pending     bool
}

// Note says that something changed.
func (c *Coalescer) Note(now time.Time) {
	if !c.pending {
		c.first, c.pending = now, true
	}
	c.last = now
}

// Wait is how long to wait until changes are due, and whether there are any.
func (c *Coalescer) Wait(now time.Time) (wait time.Duration, pending bool) {
	if !c.pending {
		return 0, false
	}
	if c.applied.IsZero() || c.first.Sub(c.applied) >= c.Quiet {
		return 0, true
	}
	due := c.last.Add(c.Quiet)
	if latest := c.first.Add(c.Longest); latest.Before(due) {
		due = latest
	}
	return max(0, due.Sub(now)), true
}

// Applied says that all changes so far are in effect.
func (c *Coalescer) Applied(now time.Time) {
	c.applied, c.pending = now, false
}
