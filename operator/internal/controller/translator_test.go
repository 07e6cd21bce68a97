package controller

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/util/workqueue"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// listening connects a requestQueue to the work queue of a controller.
func listening[request comparable](t *testing.T, in *requestQueue[request]) workqueue.TypedRateLimitingInterface[request] {
	queue := workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[request]())
	t.Cleanup(queue.ShutDown)
	require.NoError(t, in.source().Start(t.Context(), queue))
	return queue
}

func taken[request comparable](queue workqueue.TypedRateLimitingInterface[request]) []request {
	var all []request
	for queue.Len() > 0 {
		each, _ := queue.Get()
		queue.Done(each)
		all = append(all, each)
	}
	return all
}

// everyKind is what is installed where every kind is.
func everyKind() gather.Installed {
	var installed gather.Installed
	for _, kind := range inputs.Kinds {
		installed.Kinds = append(installed.Kinds, gather.InstalledKind{Resource: kind.Resource, Version: kind.Versions[0].Name})
	}
	return installed
}

func TestEverythingIsAskedForOnceGatheringSucceeds(t *testing.T) {
	scheme := runtime.NewScheme()
	require.NoError(t, errors.Join(clientgoscheme.AddToScheme(scheme), gatewayv1.Install(scheme), v1alpha1.AddToScheme(scheme)))
	// A route that once was ours: its Gateway is gone.
	orphan := gatewaytest.HTTPRoute("shop", "orphan", types.NamespacedName{Namespace: "shop", Name: "gone"}, nil)
	orphan.ObjectMeta = metav1.ObjectMeta{Namespace: "shop", Name: "orphan"}
	policy := &gatewayv1.BackendTLSPolicy{ObjectMeta: orphan.ObjectMeta}
	synctest.Test(t, func(t *testing.T) {
		var gathered atomic.Int32
		cluster := fake.NewClientBuilder().WithScheme(scheme).WithObjects(orphan, policy).WithInterceptorFuncs(interceptor.Funcs{
			List: func(ctx context.Context, c client.WithWatch, list client.ObjectList, o ...client.ListOption) error {
				if _, ok := list.(*gatewayv1.GatewayClassList); ok && gathered.Add(1) == 1 {
					return errors.New("the cache is not there yet")
				}
				return c.List(ctx, list, o...)
			},
		}).Build()
		queues := newQueues()
		listening(t, queues.classes)
		listening(t, queues.gateways)
		policies := listening(t, queues.statuses["BackendTLSPolicy"])
		listening(t, queues.statuses["VarnishCachePolicy"])
		routes := listening(t, queues.statuses["HTTPRoute"])
		listening(t, queues.routings)
		listening(t, queues.invalidations)
		translator := &translator{
			cache: cluster, changed: newSignal(), current: &current{}, queues: queues, log: zap.NewNop(),
			gatherer: &gather.Gatherer{Cache: cluster, Contents: &gather.Contents{Cache: cluster, Live: cluster}, Installed: everyKind()},
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- translator.Start(ctx) }()
		synctest.Wait()
		assert.Nil(t, translator.current.Load())
		assert.Empty(t, taken(routes))
		time.Sleep(2 * retryPause)
		synctest.Wait()
		assert.Equal(t, []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(orphan)}}, taken(routes))
		assert.Equal(t, []reconcile.Request{{NamespacedName: client.ObjectKeyFromObject(policy)}}, taken(policies))
		assert.Equal(t, int32(2), gathered.Load(), "one failure, and one translation")
		cancel()
		assert.NoError(t, <-ended)
	})
}
