package controller

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
)

func TestAForeignObjectIsWatchedUntilItIsOutOfTheWay(t *testing.T) {
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
			told := make(chan types.NamespacedName, 10)
			f := newForeign(t.Context(), cluster, func(g types.NamespacedName) { told <- g }, zap.NewNop())
			f.await(edge, kind, role(nil), isOurs)
			f.await(edge, kind, role(nil), isOurs)
			if c.ends {
				assert.Equal(t, edge, <-told)
				assert.Empty(t, f.watched)
				return
			}
			assert.Len(t, f.watched[edge], 1, "one object is watched once")
			f.forget(edge)
			assert.Empty(t, f.watched)
		})
	}
}

func TestWhatSomebodyCanDoSomethingAboutIsTold(t *testing.T) {
	what := schema.GroupResource{Group: "apps", Resource: "deployments"}
	foreign, away := &foreignError{kind: "Role", name: "r"}, errors.New("the API server is away")
	quota := apierrors.NewForbidden(what, "edge", errors.New("exceeded quota"))
	for name, c := range map[string]struct {
		err   error
		told  string
		again error
	}{
		"nothing":                        {nil, "", nil},
		"an outage":                      {away, "", away},
		"a conflict":                     {apierrors.NewConflict(what, "edge", away), "", apierrors.NewConflict(what, "edge", away)},
		"a quota":                        {quota, "exceeded quota", quota},
		"a value that is not valid":      {apierrors.NewInvalid(schema.GroupKind{Kind: "Deployment"}, "edge", nil), "is invalid", apierrors.NewInvalid(schema.GroupKind{Kind: "Deployment"}, "edge", nil)},
		"an object that is too large":    {apierrors.NewRequestEntityTooLargeError("limit is 3145728"), "too large", apierrors.NewRequestEntityTooLargeError("limit is 3145728")},
		"a foreign object":               {foreign, "Role r exists", nil},
		"a foreign object and an outage": {errors.Join(foreign, away), "Role r exists", errors.Join(away)},
	} {
		t.Run(name, func(t *testing.T) {
			if c.told == "" {
				assert.Empty(t, obstacle(c.err))
			} else {
				assert.Contains(t, obstacle(c.err), c.told)
			}
			_, err := again(c.err)
			assert.Equal(t, c.again, err)
		})
	}
}
