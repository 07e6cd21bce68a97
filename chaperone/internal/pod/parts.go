package pod

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/retry"
)

// parts run side by side. The first that fails ends the pod, unless the pod can serve without it.
type parts struct {
	log     *zap.Logger
	running sync.WaitGroup
	// failed ends with the first failure, which is its cause.
	failed context.Context
	fail   context.CancelCauseFunc
}

func newParts(log *zap.Logger) *parts {
	failed, fail := context.WithCancelCause(context.Background())
	return &parts{log: log, failed: failed, fail: fail}
}

// start runs a part that the pod cannot do without until ctx ends. What it returns is closed when the part has
// ended, before its failure is known.
func (p *parts) start(ctx context.Context, name string, run func(context.Context) error) (ended <-chan struct{}) {
	done := make(chan struct{})
	p.running.Go(func() {
		err := run(ctx)
		close(done)
		if err != nil && ctx.Err() == nil {
			p.fail(fmt.Errorf("%s: %w", name, err))
		}
	})
	return done
}

// keep runs a part without which clients are served all the same: where it fails, it is run again after a pause.
func (p *parts) keep(ctx context.Context, name string, run func(context.Context) error) {
	backoff := retry.Backoff{First: time.Second, Longest: time.Minute, Steady: time.Minute}
	p.running.Go(func() {
		for {
			began := time.Now()
			err := run(ctx)
			if err == nil || ctx.Err() != nil {
				return
			}
			pause := backoff.After(time.Since(began))
			p.log.Error("a part that is not vital has failed and will be started again", zap.String("part", name), zap.Duration("pause", pause), zap.Error(err))
			if !retry.Sleep(ctx, clock.RealClock{}, pause) {
				return
			}
		}
	})
}

// err is the first failure; nil where there is none.
func (p *parts) err() error {
	if err := context.Cause(p.failed); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// wait returns when every part has ended.
func (p *parts) wait() {
	p.running.Wait()
	p.fail(nil)
}
