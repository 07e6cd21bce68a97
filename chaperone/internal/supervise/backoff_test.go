package supervise

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
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
