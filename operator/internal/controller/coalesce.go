package controller

import (
	"context"
	"time"
)

// How changes are taken together: the first goes at once, those that follow wait for a quiet moment, and none
// longer than the longest wait.
const (
	quietPeriod = 30 * time.Millisecond
	longestWait = 300 * time.Millisecond
)

// signal says that something has changed, any number of times.
type signal chan struct{}

func newSignal() signal { return make(signal, 1) }

func (s signal) raise() {
	select {
	case s <- struct{}{}:
	default:
	}
}

// await returns after the next change, given when the last ones were acted on. An error means that ctx has ended.
func (s signal) await(ctx context.Context, last time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-s:
	}
	if time.Since(last) > longestWait {
		return nil
	}
	latest := time.NewTimer(longestWait)
	defer latest.Stop()
	for {
		quiet := time.NewTimer(quietPeriod)
		select {
		case <-ctx.Done():
			quiet.Stop()
			return ctx.Err()
		case <-latest.C:
			quiet.Stop()
			return nil
		case <-quiet.C:
			return nil
		case <-s:
			quiet.Stop()
		}
	}
}
