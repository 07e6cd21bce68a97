package source

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// watch is one running watch of the API.
type watch struct {
	cancel context.CancelFunc
	ended  chan struct{}
}

// stop ends the watch, and waits until nothing more comes of it.
func (w *watch) stop() {
	w.cancel()
	<-w.ended
}

// watchObject tells of one object, found by name: of its data, or nil when it is deleted. A Role can allow no
// more than that.
func watchObject(ctx context.Context, client kubernetes.Interface, namespace, name string, informer func(informers.SharedInformerFactory) cache.SharedIndexInformer, tell func(data map[string][]byte), failed func(error)) *watch {
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0,
		informers.WithNamespace(namespace), informers.WithTransform(withoutManagedFields),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector(metav1.ObjectNameField, name).String()
		}))
	return run(ctx, factory, informer(factory), func(object any, deleted bool) {
		if accessor, ok := object.(metav1.Object); !ok || accessor.GetName() != name {
			return
		}
		if deleted {
			tell(nil)
			return
		}
		tell(dataOf(object))
	}, failed, nil)
}

// watchSlices tells of every EndpointSlice of a namespace, and once that all of them have been told.
func watchSlices(ctx context.Context, client kubernetes.Interface, namespace string, sink Sink, failed func(error)) *watch {
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0,
		informers.WithNamespace(namespace), informers.WithTransform(withoutManagedFields))
	return run(ctx, factory, factory.Discovery().V1().EndpointSlices().Informer(), func(object any, deleted bool) {
		slice, ok := object.(*discoveryv1.EndpointSlice)
		switch {
		case !ok:
		case deleted:
			sink.Take(Update{Deleted: []types.NamespacedName{{Namespace: slice.Namespace, Name: slice.Name}}})
		default:
			sink.Take(Update{Slices: []*discoveryv1.EndpointSlice{slice}})
		}
	}, failed, func() { sink.Take(Update{Synced: []string{namespace}}) })
}

// run starts an informer. handle is called for each object that is there or was deleted, synced, which may be
// nil, once all that were there have been told.
func run(ctx context.Context, factory informers.SharedInformerFactory, informer cache.SharedIndexInformer, handle func(object any, deleted bool), failed func(error), synced func()) *watch {
	ctx, cancel := context.WithCancel(ctx)
	w := &watch{cancel: cancel, ended: make(chan struct{})}
	// Neither call can fail on an informer that has not started.
	_ = informer.SetWatchErrorHandler(func(_ *cache.Reflector, err error) { failed(err) })
	registration, _ := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { handle(object, false) },
		UpdateFunc: func(_, object any) { handle(object, false) },
		DeleteFunc: func(object any) {
			if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = unknown.Obj
			}
			handle(object, true)
		},
	})
	factory.Start(ctx.Done())
	go func() {
		defer close(w.ended)
		if cache.WaitForCacheSync(ctx.Done(), registration.HasSynced) {
			failed(nil)
			if synced != nil {
				synced()
			}
		}
		<-ctx.Done()
		factory.Shutdown()
	}()
	return w
}

func configMaps(f informers.SharedInformerFactory) cache.SharedIndexInformer {
	return f.Core().V1().ConfigMaps().Informer()
}

func secrets(f informers.SharedInformerFactory) cache.SharedIndexInformer {
	return f.Core().V1().Secrets().Informer()
}

func dataOf(object any) map[string][]byte {
	data := map[string][]byte{}
	switch o := object.(type) {
	case *corev1.Secret:
		return o.Data
	case *corev1.ConfigMap:
		for key, text := range o.Data {
			data[key] = []byte(text)
		}
		for key, binary := range o.BinaryData {
			data[key] = binary
		}
	}
	return data
}

// withoutManagedFields saves the memory of what is not read.
func withoutManagedFields(object any) (any, error) {
	if accessor, ok := object.(metav1.Object); ok {
		accessor.SetManagedFields(nil)
		return object, nil
	}
	return nil, fmt.Errorf("%T is no object of Kubernetes", object)
}
