// Package purge invalidates cached objects in a cluster, as "gatewayctl purge" does: by a
// VarnishCacheInvalidation, whose end it waits for.
package purge

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/invalidation"
)

// Cluster is an API server.
type Cluster interface {
	Create(ctx context.Context, object client.Object, options ...client.CreateOption) error
	List(ctx context.Context, list client.ObjectList, options ...client.ListOption) error
	Watch(ctx context.Context, list client.ObjectList, options ...client.ListOption) (watch.Interface, error)
}

// generateName is how the names of the objects begin.
const generateName = "gatewayctl-purge-"

// grace is how long the operator may take beyond the time that it has for the pods.
const grace = 15 * time.Second

// Run makes a VarnishCacheInvalidation in a namespace, and returns its last status when it has
// finished. An error says that it could not be made, or that nothing is known of its end; the
// object goes on then.
func Run(ctx context.Context, cluster Cluster, namespace string, spec v1alpha1.VarnishCacheInvalidationSpec) (*v1alpha1.VarnishCacheInvalidation, error) {
	object := &v1alpha1.VarnishCacheInvalidation{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: generateName}, Spec: spec,
	}
	if err := cluster.Create(ctx, object); err != nil {
		return nil, fmt.Errorf("make a VarnishCacheInvalidation in namespace %s: %w", namespace, err)
	}
	within := grace
	if seconds := object.Spec.ActiveDeadlineSeconds; seconds != nil {
		within += time.Duration(*seconds) * time.Second
	}
	timed, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		last, err := follow(timed, cluster, object)
		if last != nil {
			object = last
		}
		switch {
		case err == nil:
			return object, nil
		case ctx.Err() != nil:
			return object, fmt.Errorf("VarnishCacheInvalidation %s/%s goes on: %w", namespace, object.Name, ctx.Err())
		case timed.Err() != nil:
			return object, overdue(object, within)
		case !errors.Is(err, errAgain):
			return object, err
		}
	}
}

// overdue says what is known of an object that has not finished in time.
func overdue(object *v1alpha1.VarnishCacheInvalidation, within time.Duration) error {
	if complete := meta.FindStatusCondition(object.Status.Conditions, v1alpha1.InvalidationComplete); complete != nil {
		return fmt.Errorf("VarnishCacheInvalidation %s/%s has not finished after %s: %s", object.Namespace, object.Name, within, complete.Message)
	}
	return fmt.Errorf("nobody has carried out VarnishCacheInvalidation %s/%s after %s: does the operator run, and are routes of the namespace attached to a Gateway of its?",
		object.Namespace, object.Name, within)
}

// errAgain says that the API server has ended a watch, as it does now and then.
var errAgain = errors.New("the watch has ended")

// follow returns the object once it has finished, and what it was last where it has not.
func follow(ctx context.Context, cluster Cluster, object *v1alpha1.VarnishCacheInvalidation) (*v1alpha1.VarnishCacheInvalidation, error) {
	list := &v1alpha1.VarnishCacheInvalidationList{}
	one := &client.ListOptions{
		Namespace: object.Namespace, FieldSelector: fields.OneTermEqualSelector("metadata.name", object.Name),
	}
	if err := cluster.List(ctx, list, one); err != nil {
		return nil, fmt.Errorf("look at VarnishCacheInvalidation %s/%s: %w", object.Namespace, object.Name, err)
	}
	if len(list.Items) == 0 {
		return nil, gone(object)
	}
	last := &list.Items[0]
	if invalidation.Finished(last.Status) {
		return last, nil
	}
	one.Raw = &metav1.ListOptions{ResourceVersion: list.ResourceVersion}
	changes, err := cluster.Watch(ctx, list, one)
	if err != nil {
		return last, fmt.Errorf("watch VarnishCacheInvalidation %s/%s: %w", object.Namespace, object.Name, err)
	}
	defer changes.Stop()
	for change := range changes.ResultChan() {
		now, known := change.Object.(*v1alpha1.VarnishCacheInvalidation)
		switch {
		case change.Type == watch.Error && apierrors.IsResourceExpired(apierrors.FromObject(change.Object)):
			return last, errAgain
		case change.Type == watch.Error:
			return last, fmt.Errorf("watch VarnishCacheInvalidation %s/%s: %w", object.Namespace, object.Name, apierrors.FromObject(change.Object))
		case known && invalidation.Finished(now.Status):
			return now, nil
		case change.Type == watch.Deleted:
			return last, gone(object)
		case known:
			last = now
		}
	}
	return last, errAgain
}

func gone(object *v1alpha1.VarnishCacheInvalidation) error {
	return fmt.Errorf("VarnishCacheInvalidation %s/%s was deleted before it had finished", object.Namespace, object.Name)
}
