package reload

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"
)

func TestCoalescer(t *testing.T) {
	const ms = time.Millisecond
	// Changes come at the given times; want are the times at which they are applied.
	tests := map[string]struct{ changes, want []time.Duration }{
		"nothing happens":                          {},
		"a lone change is applied at once":         {changes: []time.Duration{5 * ms}, want: []time.Duration{5 * ms}},
		"a change long after another one is, too":  {changes: []time.Duration{0, 50 * ms}, want: []time.Duration{0, 50 * ms}},
		"one that follows closely waits for quiet": {changes: []time.Duration{0, 5 * ms}, want: []time.Duration{0, 15 * ms}},
		"quiet begins anew with each change":       {changes: []time.Duration{0, 5 * ms, 12 * ms}, want: []time.Duration{0, 22 * ms}},
		"constant change is applied after the longest wait": {
			changes: []time.Duration{0, 5 * ms, 10 * ms, 15 * ms, 20 * ms, 25 * ms, 30 * ms, 35 * ms}, want: []time.Duration{0, 35 * ms},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, applied(test.changes, 10*ms, 30*ms))
		})
	}
}

// applied plays changes against a clock of milliseconds, and gives the times at which they are applied.
func applied(changes []time.Duration, quiet, longest time.Duration) []time.Duration {
	start := time.Unix(1000, 0)
	c := Coalescer{Quiet: quiet, Longest: longest}
	var times []time.Duration
	for at := time.Duration(0); at < time.Second; at += time.Millisecond {
		for len(changes) > 0 && changes[0] <= at {
			c.Note(start.Add(at))
			changes = changes[1:]
		}
		if wait, pending := c.Wait(start.Add(at)); pending && wait == 0 {
			c.Applied(start.Add(at))
			times = append(times, at)
		}
	}
	return times
}

func TestNoChangeWaitsLongerThanTheLongestWait(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var changes []time.Duration
		at := time.Duration(0)
		for range rapid.IntRange(1, 50).Draw(t, "changes") {
			at += time.Duration(rapid.IntRange(0, 15).Draw(t, "gap")) * time.Millisecond
			changes = append(changes, at)
		}
		times := applied(changes, 10*time.Millisecond, 30*time.Millisecond)
		for _, change := range changes {
			found := false
			for _, time := range times {
				found = found || time >= change && time-change <= 30_000_000
			}
			assert.True(t, found, "the change at %v of %v is applied in time: %v", change, changes, times)
		}
	})
}
