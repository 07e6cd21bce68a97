package programming

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
)

func TestABlockerIsWatchedUntilItIsOutOfTheWay(t *testing.T) {
	kind := rbacv1.SchemeGroupVersion.WithKind("Role")
	role := func(labels map[string]string) *metav1.PartialObjectMetadata {
		object := gather.Metadata(kind)
		object.Namespace, object.Name, object.Labels = "backends", "r", labels
		return object
	}
	ours := map[string]string{"whose": "ours"}
	isOurs := func(o client.Object) bool { return o.GetLabels()["whose"] == "ours" }
	for name, c := range map[string]struct {
		// there is the object when it is looked at; changes are what the watch tells then.
		there   *metav1.PartialObjectMetadata
		changes []watch.Event
		ends    bool
	}{
		"it is gone already": {nil, nil, true},
		"it is ours already": {role(ours), nil, true},
		"it stays":           {role(nil), []watch.Event{{Type: watch.Modified, Object: role(nil)}, {Type: watch.Bookmark, Object: role(nil)}}, false},
		"it goes":            {role(nil), []watch.Event{{Type: watch.Modified, Object: role(nil)}, {Type: watch.Deleted, Object: role(nil)}}, true},
		"it becomes ours":    {role(nil), []watch.Event{{Type: watch.Modified, Object: role(ours)}}, true},
	} {
		t.Run(name, func(t *testing.T) {
			changes := watch.NewFakeWithChanSize(10, false)
			for _, change := range c.changes {
				changes.Action(change.Type, change.Object)
			}
			scheme := runtime.NewScheme()
			require.NoError(t, rbacv1.AddToScheme(scheme))
			cluster := fake.NewClientBuilder().WithScheme(scheme).WithInterceptorFuncs(interceptor.Funcs{
				List: func(_ context.Context, _ client.WithWatch, list client.ObjectList, _ ...client.ListOption) error {
					if c.there != nil {
						list.(*metav1.PartialObjectMetadataList).Items = []metav1.PartialObjectMetadata{*c.there}
					}
					return nil
				},
				Watch: func(context.Context, client.WithWatch, client.ObjectList, ...client.ListOption) (watch.Interface, error) {
					return changes, nil
				},
			}).Build()
			unblocked := make(chan types.NamespacedName, 10)
			store := NewStore(t.Context(), Options{
				Client: cluster, Unblocked: func(g types.NamespacedName) { unblocked <- g }, Log: zap.NewNop(),
			})
			g := store.Gateway(gateway, "uid")
			g.Blocked(kind, role(nil), isOurs)
			if c.ends {
				assert.Equal(t, gateway, <-unblocked)
				assert.Zero(t, watched(g))
				return
			}
			g.Blocked(kind, role(nil), isOurs)
			assert.Equal(t, 1, watched(g), "one object is watched once")
			store.Forget(gateway)
			changes.Stop()
			store.Wait()
			assert.Empty(t, unblocked, "nobody waits for it any more")
		})
	}
}

// watched is how many objects are watched for a Gateway.
func watched(g *Gateway) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.blockers)
}
