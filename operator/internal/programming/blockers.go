package programming

import (
	"context"
	"time"

	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/backoff"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
)

// blocker is an object of somebody else's that has a name which the Gateway needs.
type blocker struct {
	schema.GroupVersionKind
	types.NamespacedName
}

// How long to rest after a watch has failed, and where nothing was in the way at the first look: what said so was older, and may
// say so again.
const (
	watchPause = 30 * time.Second
	stalePause = time.Second
)

// Blocked says that an object is in the way of the Gateway, which is reported as unblocked when it is gone or is the Gateway's. Each such
// object is watched alone: the caches hold what is ours, and holding every object of these kinds would cost memory in every cluster
// for what happens in few.
func (g *Gateway) Blocked(kind schema.GroupVersionKind, object client.Object, isOurs func(client.Object) bool) {
	b := blocker{kind, client.ObjectKeyFromObject(object)}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.blockers[b] != nil {
		return
	}
	ctx, cancel := context.WithCancel(g.ctx)
	g.blockers[b] = cancel
	g.store.tasks.start(func() {
		defer cancel()
		blocked, err := b.watch(ctx, g.store.options.Client, isOurs)
		pause := time.Duration(0)
		switch {
		case err != nil && ctx.Err() == nil:
			g.log.Debug("cannot watch an object that is in the way", zap.Stringer("object", b.NamespacedName), zap.Error(err))
			pause = watchPause
		case !blocked:
			pause = stalePause
		}
		backoff.Sleep(ctx, pause)
		if ctx.Err() == nil {
			g.unblocked(b)
		}
	})
}

func (g *Gateway) unblocked(b blocker) {
	g.mu.Lock()
	delete(g.blockers, b)
	g.mu.Unlock()
	g.store.options.Unblocked(g.key)
}

// watch returns when the object is gone or ours, or when the API server ends the watch, as it does now and then. It tells whether
// the object was in the way at first.
func (b blocker) watch(ctx context.Context, api client.WithWatch, isOurs func(client.Object) bool) (blocked bool, err error) {
	list := gather.MetadataList(b.GroupVersionKind)
	one := &client.ListOptions{Namespace: b.Namespace, FieldSelector: fields.OneTermEqualSelector("metadata.name", b.Name)}
	if err := api.List(ctx, list, one); err != nil {
		return false, err
	}
	if len(list.Items) == 0 || isOurs(&list.Items[0]) {
		return false, nil
	}
	one.Raw = &metav1.ListOptions{ResourceVersion: list.ResourceVersion}
	changes, err := api.Watch(ctx, list, one)
	if err != nil {
		return true, err
	}
	defer changes.Stop()
	for change := range changes.ResultChan() {
		object, known := change.Object.(client.Object)
		switch {
		case change.Type == watch.Error:
			return true, apierrors.FromObject(change.Object)
		case change.Type == watch.Deleted, known && isOurs(object):
			return true, nil
		}
	}
	return true, nil
}
