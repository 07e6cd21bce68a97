package controller

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
)

// foreign watches the objects of others that are in the way of a Gateway, each of them alone: the caches hold what is ours, and
// holding every object of these kinds would cost memory in every cluster for what happens in few.
type foreign struct {
	ctx    context.Context
	client client.WithWatch
	// changed is told of a Gateway for which an object is out of the way.
	changed func(types.NamespacedName)
	log     *zap.Logger

	mu      sync.Mutex
	watched map[types.NamespacedName]map[foreignKey]context.CancelFunc
}

type foreignKey struct {
	schema.GroupVersionKind
	types.NamespacedName
}

func newForeign(ctx context.Context, watching client.WithWatch, changed func(types.NamespacedName), log *zap.Logger) *foreign {
	return &foreign{
		ctx: ctx, client: watching, changed: changed, log: log,
		watched: map[types.NamespacedName]map[foreignKey]context.CancelFunc{},
	}
}

// await watches an object until it is gone or is the Gateway's.
func (f *foreign) await(gateway types.NamespacedName, kind schema.GroupVersionKind, object client.Object, isOurs func(client.Object) bool) {
	key := foreignKey{kind, client.ObjectKeyFromObject(object)}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.watched[gateway][key] != nil {
		return
	}
	ctx, cancel := context.WithCancel(f.ctx)
	if f.watched[gateway] == nil {
		f.watched[gateway] = map[foreignKey]context.CancelFunc{}
	}
	f.watched[gateway][key] = cancel
	go func() {
		defer cancel()
		if err := f.watch(ctx, key, isOurs); err != nil && ctx.Err() == nil {
			f.log.Debug("cannot watch an object that is in the way", zap.Stringer("object", key.NamespacedName), zap.Error(err))
			select {
			case <-ctx.Done():
			case <-time.After(lastRetry):
			}
		}
		if ctx.Err() == nil {
			f.end(gateway, key)
			f.changed(gateway)
		}
	}()
}

// watch returns when the object is gone or ours, or when the API server ends the watch, as it does now and then.
func (f *foreign) watch(ctx context.Context, key foreignKey, isOurs func(client.Object) bool) error {
	list := gather.MetadataList(key.GroupVersionKind)
	one := &client.ListOptions{Namespace: key.Namespace, FieldSelector: fields.OneTermEqualSelector("metadata.name", key.Name)}
	if err := f.client.List(ctx, list, one); err != nil {
		return err
	}
	if len(list.Items) == 0 || isOurs(&list.Items[0]) {
		return nil
	}
	one.Raw = &metav1.ListOptions{ResourceVersion: list.ResourceVersion}
	changes, err := f.client.Watch(ctx, list, one)
	if err != nil {
		return err
	}
	defer changes.Stop()
	for change := range changes.ResultChan() {
		object, known := change.Object.(client.Object)
		switch {
		case change.Type == watch.Error:
			return apierrors.FromObject(change.Object)
		case change.Type == watch.Deleted, known && isOurs(object):
			return nil
		}
	}
	return nil
}

func (f *foreign) end(gateway types.NamespacedName, key foreignKey) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.watched[gateway], key)
	if len(f.watched[gateway]) == 0 {
		delete(f.watched, gateway)
	}
}

// forget a Gateway that is gone.
func (f *foreign) forget(gateway types.NamespacedName) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, cancel := range f.watched[gateway] {
		cancel()
	}
	delete(f.watched, gateway)
}
