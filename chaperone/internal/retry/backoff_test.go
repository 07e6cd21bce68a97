package retry

import (
	"context"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	clock "k8s.io/utils/clock/testing"
)

func TestBackoff(t *testing.T) {
	const s, m = time.Second, time.Minute
	tests := map[string]struct {
		ran, want []time.Duration
	}{
		"each wait is twice the one before":       {ran: []time.Duration{0, 0, 0}, want: []time.Duration{s, 2 * s, 4 * s}},
		"no wait is longer than the longest":      {ran: []time.Duration{0, 0, 0, 0, 0}, want: []time.Duration{s, 2 * s, 4 * s, 5 * s, 5 * s}},
		"a steady run begins anew":                {ran: []time.Duration{0, 0, m, 0}, want: []time.Duration{s, 2 * s, s, 2 * s}},
		"a run that is not quite steady does not": {ran: []time.Duration{0, m - 1}, want: []time.Duration{s, 2 * s}},
		"the first run may be a long one":         {ran: []time.Duration{m}, want: []time.Duration{s}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			backoff := Backoff{First: s, Longest: 5 * s, Steady: m}
			var got []time.Duration
			for _, ran := range test.ran {
				got = append(got, backoff.After(ran))
			}
			assert.Equal(t, test.want, got)
		})
	}
}

func TestAResetBeginsAnew(t *testing.T) {
	backoff := Backoff{First: time.Second, Longest: time.Minute, Steady: time.Hour}
	backoff.After(0)
	backoff.After(0)
	backoff.Reset()
	assert.Equal(t, time.Second, backoff.After(0))
}

func TestSleepEndsWithItsTimeOrItsContext(t *testing.T) {
	now := clock.NewFakeClock(time.Now())
	slept := make(chan bool)
	go func() { slept <- Sleep(t.Context(), now, time.Minute) }()
	for !now.HasWaiters() {
		runtime.Gosched()
	}
	now.Step(time.Minute)
	assert.True(t, <-slept)

	ended, cancel := context.WithCancel(t.Context())
	cancel()
	assert.False(t, Sleep(ended, now, time.Minute))
	assert.False(t, Sleep(ended, now, 0))
	assert.True(t, Sleep(t.Context(), now, 0))
}
