package controller

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
)

func TestANamespaceHasNoMoreThanItsShareOfTheWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		of := func(namespace, name string) reconcile.Request {
			return reconcile.Request{NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
		}
		var working, asked []string
		release := map[string]chan struct{}{}
		for _, name := range []string{"a", "b", "c", "d", "other"} {
			release[name] = make(chan struct{})
		}
		s := &share[reconcile.Request]{
			limit: 2, namespaceOf: namespaceOf,
			again: func(requests ...reconcile.Request) {
				for _, r := range requests {
					asked = append(asked, r.Name)
				}
			},
			next: reconcile.Func(func(_ context.Context, r reconcile.Request) (reconcile.Result, error) {
				working = append(working, r.Name)
				<-release[r.Name]
				return reconcile.Result{}, nil
			}),
		}
		work := func(r reconcile.Request) {
			go func() { _, _ = s.Reconcile(t.Context(), r) }()
			synctest.Wait()
		}
		for _, name := range []string{"a", "b", "c", "d", "c"} {
			work(of("slow", name))
		}
		work(of("fast", "other"))
		assert.Equal(t, []string{"a", "b", "other"}, working)
		assert.Empty(t, asked)
		close(release["a"])
		synctest.Wait()
		assert.Equal(t, []string{"c"}, asked, "the one that has waited longest is asked for again, once")
		work(of("slow", "c"))
		assert.Equal(t, []string{"a", "b", "other", "c"}, working)
		for _, name := range []string{"b", "c", "other"} {
			close(release[name])
			synctest.Wait()
		}
		assert.Equal(t, []string{"c", "d"}, asked)
		assert.Empty(t, s.lanes, "nothing is kept of namespaces where nothing is to be done")
	})
}
