package purge

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// cluster is an API server that tells of the given statuses of an object, one after the other, once
// it is watched.
type cluster struct {
	statuses []v1alpha1.VarnishCacheInvalidationStatus
	object   *v1alpha1.VarnishCacheInvalidation
	refuse   error
}

func (c *cluster) Create(_ context.Context, object client.Object, _ ...client.CreateOption) error {
	if c.refuse != nil {
		return c.refuse
	}
	c.object = object.(*v1alpha1.VarnishCacheInvalidation)
	c.object.Name = c.object.GenerateName + "1"
	return nil
}

func (c *cluster) List(_ context.Context, list client.ObjectList, _ ...client.ListOption) error {
	list.(*v1alpha1.VarnishCacheInvalidationList).Items = []v1alpha1.VarnishCacheInvalidation{*c.object.DeepCopy()}
	return nil
}

func (c *cluster) Watch(ctx context.Context, _ client.ObjectList, _ ...client.ListOption) (watch.Interface, error) {
	events := make(chan watch.Event, len(c.statuses))
	for _, status := range c.statuses {
		now := c.object.DeepCopy()
		now.Status = status
		events <- watch.Event{Type: watch.Modified, Object: now}
	}
	context.AfterFunc(ctx, func() { close(events) })
	return watch.NewProxyWatcher(events), nil
}

// says is a status with a condition.
func says(kind, reason, message string) v1alpha1.VarnishCacheInvalidationStatus {
	return v1alpha1.VarnishCacheInvalidationStatus{Conditions: []metav1.Condition{{Type: kind, Status: "True", Reason: reason, Message: message}}}
}

func TestTheEndOfAnInvalidationIsWaitedFor(t *testing.T) {
	spec := v1alpha1.VarnishCacheInvalidationSpec{CacheInvalidation: v1alpha1.CacheInvalidation{All: true}}
	for name, status := range map[string]v1alpha1.VarnishCacheInvalidationStatus{
		"complete": says("Complete", "Invalidated", "done"), "failed": says("Failed", "PodsFailed", "no route"),
	} {
		t.Run(name, func(t *testing.T) {
			c := &cluster{statuses: []v1alpha1.VarnishCacheInvalidationStatus{says("Other", "InProgress", ""), status}}
			object, err := Run(t.Context(), c, "news", spec)
			require.NoError(t, err)
			assert.Equal(t, status, object.Status)
			assert.Equal(t, "gatewayctl-purge-1", c.object.Name)
			assert.Equal(t, spec, c.object.Spec)
		})
	}
}

func TestWhatIsNotKnownOfAnInvalidationIsSaid(t *testing.T) {
	spec := v1alpha1.VarnishCacheInvalidationSpec{ActiveDeadlineSeconds: new(int32(30))}
	synctest.Test(t, func(t *testing.T) {
		c := &cluster{}
		began := time.Now()
		_, err := Run(t.Context(), c, "news", spec)
		assert.ErrorContains(t, err, "nobody has carried out VarnishCacheInvalidation news/gatewayctl-purge-1 after 45s: does the operator run")
		assert.Equal(t, 45*time.Second, time.Since(began))
	})
	c := &cluster{refuse: errors.New("forbidden")}
	_, err := Run(t.Context(), c, "news", spec)
	assert.EqualError(t, err, "make a VarnishCacheInvalidation in namespace news: forbidden")
}
