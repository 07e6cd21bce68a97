// Package drain ends a pod's service without failing requests: first it is not ready, then it waits until
// clients have heard of that, then until no request is in flight.
package drain

import (
	"context"
	"time"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/retry"
)

// Steps are what a drain does to the world. Each may be slow, and is bounded by its context.
type Steps struct {
	// NotReady makes the pod say that it is not ready.
	NotReady func()
	// EndConnections lets every connection end with its next answer, so that clients go elsewhere by themselves.
	EndConnections func(ctx context.Context)
	// StopAccepting ends what chaperone itself listens on, and makes idle connections end soon.
	StopAccepting func(ctx context.Context)
	// InFlight counts the requests that are not finished.
	InFlight func(ctx context.Context) (int, error)
}

// Config says how long a drain takes.
type Config struct {
	// Delay is how long to go on serving, so that the endpoint is withdrawn everywhere.
	Delay time.Duration
	// Timeout is how long requests in flight may take after that.
	Timeout time.Duration
	// PollEvery is how often requests in flight are counted.
	PollEvery time.Duration
	Clock     clock.Clock
	Log       *zap.Logger
}

// Outcome of a drain.
type Outcome string

// Outcomes of a drain.
const (
	// Drained: no request was in flight at the end.
	Drained Outcome = "drained"
	// TimedOut: requests were still in flight when the time was over.
	TimedOut Outcome = "timed out"
	// CutShort: somebody did not want to wait.
	CutShort Outcome = "cut short"
)

// Run drains, in this order, until ctx ends (then it is cut short).
func Run(ctx context.Context, config Config, steps Steps) Outcome {
	steps.NotReady()
	steps.EndConnections(ctx)
	config.Log.Info("not ready any more, waiting for the endpoint to be withdrawn", zap.Duration("delay", config.Delay))
	if !retry.Sleep(ctx, config.Clock, config.Delay) {
		return CutShort
	}
	deadline := config.Clock.Now().Add(config.Timeout)
	steps.StopAccepting(ctx)
	for zeros, said := 0, ""; ; {
		count, err := steps.InFlight(ctx)
		if err != nil || count > 0 {
			zeros = 0
		} else {
			zeros++
		}
		switch {
		case ctx.Err() != nil:
			return CutShort
		case err != nil:
			// It may come back: varnishd may just be starting its child again.
			if err.Error() != said {
				said = err.Error()
				config.Log.Warn("requests in flight cannot be counted, and are counted again", zap.Error(err))
			}
		case zeros == enough:
			return Drained
		}
		if !config.Clock.Now().Before(deadline) {
			config.Log.Warn("requests in flight did not end in time", zap.Int("requests", count))
			return TimedOut
		}
		if !retry.Sleep(ctx, config.Clock, config.PollEvery) {
			return CutShort
		}
	}
}

// enough is how often in a row nothing must be in flight: varnishd still accepts connections, and a request may be on
// its way from one count to the next.
const enough = 2
