package drain

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishstat"
)

// script is a world in which requests in flight are as listed, count by count; the last entry stays. An
// entry of failed is a count that fails, one of leave is where somebody loses patience.
const (
	failed = -1
	leave  = -2
)

func TestRun(t *testing.T) {
	tests := map[string]struct {
		counts []int
		want   Outcome
		asked  int
	}{
		"nothing is in flight":                    {counts: []int{0}, want: Drained, asked: 2},
		"requests end one by one":                 {counts: []int{2, 1, 0}, want: Drained, asked: 4},
		"one that comes late is waited for":       {counts: []int{0, 1, 0}, want: Drained, asked: 4},
		"requests that do not end are given up":   {counts: []int{1}, want: TimedOut, asked: 4},
		"a count that fails is tried again":       {counts: []int{failed, failed, 0}, want: Drained, asked: 4},
		"counts that never succeed are given up":  {counts: []int{failed}, want: TimedOut, asked: 4},
		"somebody who does not want to wait wins": {counts: []int{1, leave}, want: CutShort, asked: 2},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			clock := clocktesting.NewFakeClock(time.Unix(1000, 0))
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var order []string
			asked := 0
			steps := Steps{
				NotReady:       func() { order = append(order, "not ready") },
				EndConnections: func(context.Context) { order = append(order, "end connections") },
				StopAccepting: func(context.Context) {
					order = append(order, "stop accepting")
					assert.Equal(t, 5*time.Second, clock.Since(time.Unix(1000, 0)), "the delay is over")
				},
				InFlight: func(context.Context) (int, error) {
					count := test.counts[min(asked, len(test.counts)-1)]
					asked++
					switch count {
					case failed:
						return 0, errors.New("varnishstat failed")
					case leave:
						cancel()
						return 1, nil
					}
					return count, nil
				},
			}
			outcome := make(chan Outcome, 1)
			go func() {
				outcome <- Run(ctx, Config{Delay: 5 * time.Second, Timeout: 3 * time.Second, PollEvery: time.Second, Clock: clock, Log: zap.NewNop()}, steps)
			}()
			assert.Equal(t, test.want, advance(t, clock, outcome))
			assert.Equal(t, []string{"not ready", "end connections", "stop accepting"}, order)
			assert.Equal(t, test.asked, asked)
		})
	}
}

func TestACountThatFailsIsLoggedOnceForEachReason(t *testing.T) {
	clock := clocktesting.NewFakeClock(time.Unix(1000, 0))
	core, logs := observer.New(zap.WarnLevel)
	reasons := []string{"no child", "no child", "no child", "no program"}
	asked := 0
	steps := Steps{
		NotReady: func() {}, EndConnections: func(context.Context) {}, StopAccepting: func(context.Context) {},
		InFlight: func(context.Context) (int, error) {
			reason := reasons[min(asked, len(reasons)-1)]
			asked++
			return 0, errors.New(reason)
		},
	}
	outcome := make(chan Outcome, 1)
	go func() {
		outcome <- Run(t.Context(), Config{Delay: 5 * time.Second, Timeout: 10 * time.Second, PollEvery: time.Second, Clock: clock, Log: zap.New(core)}, steps)
	}()
	assert.Equal(t, TimedOut, advance(t, clock, outcome))
	assert.Equal(t, 11, asked)
	assert.Equal(t, 2, logs.FilterMessageSnippet("cannot be counted").Len())
}

func TestADelayThatIsCutShortSkipsTheRest(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	outcome := Run(ctx, Config{Delay: time.Hour, Clock: clocktesting.NewFakeClock(time.Unix(0, 0)), Log: zap.NewNop()}, Steps{
		NotReady: cancel, EndConnections: func(context.Context) {},
	})
	assert.Equal(t, CutShort, outcome)
}

// advance moves the clock whenever somebody waits for it, until there is an outcome.
func advance(t *testing.T, clock *clocktesting.FakeClock, outcome <-chan Outcome) Outcome {
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case o := <-outcome:
			return o
		case <-tick.C:
			if clock.HasWaiters() {
				step := time.Second
				if clock.Since(time.Unix(1000, 0)) == 0 {
					step = 5 * time.Second
				}
				clock.Step(step)
			}
		case <-deadline.C:
			t.Fatal("the drain does not end")
		}
	}
}

func TestSumInUse(t *testing.T) {
	tests := map[string]struct {
		output  string
		want    int
		problem string
	}{
		"all pools are summed up":          {output: `{"version":1,"counters":{"MEMPOOL.req0.live":{"value":2},"MEMPOOL.req1.live":{"value":3}}}`, want: 5},
		"other counters do not count":      {output: `{"version":1,"counters":{"MEMPOOL.req0.live":{"value":1},"MEMPOOL.req0.pool":{"value":9},"MEMPOOL.sess0.live":{"value":9}}}`, want: 1},
		"no pool at all is not no request": {output: `{"version":1,"counters":{}}`, problem: "shows no pool"},
		"what is no number is an error":    {output: `{"version":1,"counters":{"MEMPOOL.req0.live":{"value":1.5}}}`, problem: "MEMPOOL.req0.live"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			counters, err := varnishstat.Parse([]byte(test.output))
			require.NoError(t, err)
			got, err := sumInUse(counters)
			if test.problem != "" {
				require.ErrorContains(t, err, test.problem)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}
