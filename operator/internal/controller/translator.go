package controller

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

// retryPause is how long a gathering that failed rests.
const retryPause = time.Second

// translator keeps the snapshot current, and tells the reconcilers what it changes.
type translator struct {
	cache    client.Reader
	gatherer *gather.Gatherer
	// translations remembers what the next one need not look at again.
	translations translate.Translator
	changed      signal
	// again gathers what could not be read; nil where everything could.
	again   *time.Timer
	current *current
	queues  *queues
	log     *zap.Logger
}

// Start implements manager.Runnable. Only the leader translates.
func (t *translator) Start(ctx context.Context) error {
	if err := t.queues.await(ctx); err != nil {
		return nil
	}
	t.changed.raise()
	var last time.Time
	for first := true; t.changed.await(ctx, last) == nil; last = time.Now() {
		err := t.translate(ctx)
		if err == nil && first {
			err = t.everything(ctx)
		}
		if err == nil {
			first = false
		} else if ctx.Err() == nil {
			t.log.Error("gathering failed and will be tried again", zap.Error(err))
			time.AfterFunc(retryPause, t.changed.raise)
		}
	}
	return nil
}

// everything asks the reconcilers for every object that is there, also for those that are ours no more.
func (t *translator) everything(ctx context.Context) error {
	queues := map[string]func(types.NamespacedName){
		"Gateway": t.queues.gateway, v1alpha1.KindVarnishCacheInvalidation: t.queues.invalidation,
	}
	for _, kind := range inputs.AttachedKinds() {
		queues[kind.Name] = t.queues.status(kind.Name)
	}
	for i := range inputs.Kinds {
		version, ask := t.gatherer.Installed.Version(&inputs.Kinds[i]), queues[inputs.Kinds[i].Name]
		if version == nil || ask == nil {
			continue
		}
		list := version.NewList()
		if err := t.cache.List(ctx, list, client.UnsafeDisableDeepCopy); err != nil {
			return fmt.Errorf("list %T: %w", list, err)
		}
		err := meta.EachListItem(list, func(item runtime.Object) error {
			ask(client.ObjectKeyFromObject(item.(client.Object)))
			return nil
		})
		if err != nil {
			return fmt.Errorf("read %T: %w", list, err)
		}
	}
	return nil
}

func (t *translator) translate(ctx context.Context) error {
	started := time.Now()
	in, err := t.gatherer.Gather(ctx)
	if err != nil {
		return err
	}
	t.gatherAgain()
	next := snapshotOf(in, t.translations.Translate(in))
	changes := next.since(t.current.Load())
	t.current.Store(next)
	translationSeconds.Observe(time.Since(started).Seconds())
	for _, class := range changes.classes {
		t.queues.class(class)
	}
	for _, gateway := range changes.gateways {
		t.queues.gateway(gateway)
	}
	for _, each := range changes.attached {
		t.queues.status(each.kind)(each.NamespacedName)
	}
	return nil
}

// gatherAgain has objects read again that could not be read. No event tells that they can be.
func (t *translator) gatherAgain() {
	if t.again != nil {
		t.again.Stop()
		t.again = nil
	}
	next, failed := t.gatherer.Failures()
	if failed == nil {
		return
	}
	pause := time.Until(next)
	t.log.Warn("objects that are referred to cannot be read", zap.Error(failed), zap.Duration("retryIn", pause))
	t.again = time.AfterFunc(pause, t.changed.raise)
}
