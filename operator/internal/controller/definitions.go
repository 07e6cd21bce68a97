package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/manager"

	"github.com/varnish-gateway/gateway/operator/internal/backoff"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
)

// ErrDefinitionsChanged ends the manager: other kinds are installed than those that it watches, or of another schema.
var ErrDefinitionsChanged = errors.New("the installed definitions have changed")

// How often to look after a definition has changed. The API server serves a kind some time after the event that tells of its
// definition: with pauses that double, the last look is half a minute later.
const (
	firstLook = 100 * time.Millisecond
	looks     = 9
)

// definitions watches which kinds are installed, and whether their schemas change.
type definitions struct {
	changed   signal
	discover  func(context.Context) (gather.Installed, error)
	installed gather.Installed
	log       *zap.Logger
}

func watchDefinitions(ctx context.Context, mgr manager.Manager, installed gather.Installed, log *zap.Logger) error {
	api, err := discovery.NewDiscoveryClientForConfigAndClient(mgr.GetConfig(), mgr.GetHTTPClient())
	if err != nil {
		return fmt.Errorf("prepare discovery: %w", err)
	}
	d := &definitions{
		changed: newSignal(), installed: installed, log: log.Named("definitions"),
		discover: func(ctx context.Context) (gather.Installed, error) {
			return gather.Discover(ctx, api, mgr.GetAPIReader())
		},
	}
	e := &events{}
	err = e.start(ctx, mgr.GetCache(), gather.Metadata(gather.CustomResourceDefinitionKind), func(ev event) {
		if gather.Concerns(ev.object().GetName()) {
			d.changed.raise()
		}
	})
	if err != nil {
		return err
	}
	return mgr.Add(d)
}

// NeedLeaderElection implements manager.LeaderElectionRunnable: whoever waits to lead watches too.
func (d *definitions) NeedLeaderElection() bool { return false }

// Start implements manager.Runnable.
func (d *definitions) Start(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.changed:
		}
		if d.differ(ctx) {
			return ErrDefinitionsChanged
		}
	}
}

// differ tells whether other kinds are installed, once that has settled. It does not give up where that cannot be told.
func (d *definitions) differ(ctx context.Context) bool {
	again := backoff.Backoff{First: firstLook, Last: lastRetry}
	for look := 1; ctx.Err() == nil; look++ {
		now, err := d.discover(ctx)
		var missing *gather.MissingError
		pause := again.Next()
		switch {
		case errors.As(err, &missing), err == nil && !now.Equal(d.installed):
			d.log.Info("other definitions are installed", zap.Any("before", d.installed), zap.Any("now", now), zap.Error(err))
			return true
		case err == nil && look >= looks:
			return false
		case err != nil && ctx.Err() == nil:
			d.log.Warn("cannot tell which definitions are installed", zap.Error(err), zap.Duration("retryIn", pause))
		}
		select {
		case <-ctx.Done():
		case <-d.changed:
			look = 0
			again.Reset()
		case <-time.After(pause):
		}
	}
	return false
}
