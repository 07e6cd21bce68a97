package gather

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/client/interceptor"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

var (
	forbidden = apierrors.NewForbidden(corev1.Resource("secrets"), "bad", errors.New("no\nrights"))
	timeout   = apierrors.NewServerTimeout(corev1.Resource("secrets"), "get", 1)
)

func TestWhatCannotBeReadIsToldAndKeepsNothingElseBack(t *testing.T) {
	const silent = "the API server does not answer for it, and is asked again"
	for name, c := range map[string]struct {
		err error
		// known means that the object was read before, in another version.
		known bool
		// used is the version that is used; none where that is empty.
		used, why string
	}{
		"refused":                           {forbidden, false, "", `secrets "bad" is forbidden: no; rights`},
		"refused, and it was read before":   {forbidden, true, "", `secrets "bad" is forbidden: no; rights`},
		"a failure":                         {timeout, false, "", silent},
		"a failure, but it was read before": {timeout, true, "old", ""},
		"gone meanwhile":                    {apierrors.NewNotFound(corev1.Resource("secrets"), "bad"), true, "", ""},
		"nothing":                           {nil, true, "new", ""},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				good, bad := types.NamespacedName{Namespace: "a", Name: "good"}, types.NamespacedName{Namespace: "b", Name: "bad"}
				meta := func(key types.NamespacedName) metav1.ObjectMeta {
					return metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name}
				}
				content := map[string][]byte{"version": []byte("old")}
				secret := &corev1.Secret{ObjectMeta: meta(bad), Data: content}
				config := &corev1.ConfigMap{ObjectMeta: meta(bad), BinaryData: content}
				cluster := fake.NewClientBuilder().WithScheme(clientgoscheme.Scheme).WithObjects(
					&corev1.Secret{ObjectMeta: meta(good)}, &corev1.ConfigMap{ObjectMeta: meta(good)}, secret, config,
				).Build()
				reads, err := 0, error(nil)
				live := interceptor.NewClient(cluster, interceptor.Funcs{
					Get: func(ctx context.Context, c client.WithWatch, key client.ObjectKey, o client.Object, opts ...client.GetOption) error {
						if key == bad {
							if reads++; err != nil {
								return err
							}
						}
						return c.Get(ctx, key, o, opts...)
					},
				})
				g := &Gatherer{Cache: cluster, Contents: &Contents{Cache: cluster, Live: live}}
				names := map[types.NamespacedName]bool{good: true, bad: true}
				gather := func() inputs.Inputs {
					var in inputs.Inputs
					require.NoError(t, g.referenced(t.Context(), References{Secrets: names, ConfigMaps: names}, &in))
					return in
				}
				if c.known {
					gather()
				}
				content["version"] = []byte("new")
				secret.Data, config.BinaryData = content, content
				require.NoError(t, errors.Join(cluster.Update(t.Context(), secret), cluster.Update(t.Context(), config)))
				err, reads = c.err, 0
				in := gather()

				versions := func(in inputs.Inputs) (secret, config string) {
					for _, each := range in.Secrets {
						secret += string(each.Data["version"])
					}
					for _, each := range in.ConfigMaps {
						config += string(each.BinaryData["version"])
					}
					return secret, config
				}
				ofSecret, ofConfig := versions(in)
				assert.Equal(t, c.used, ofSecret)
				assert.Equal(t, c.used, ofConfig)
				assert.Equal(t, c.why, in.Unread.Secrets[bad])
				assert.Equal(t, c.why, in.Unread.ConfigMaps[bad])
				assert.Contains(t, namesOf(in.Secrets), "good", "others are read")
				assert.Contains(t, namesOf(in.ConfigMaps), "good", "others are read")

				next, failed := g.Failures()
				if c.err == nil || apierrors.IsNotFound(c.err) {
					assert.NoError(t, failed)
					return
				}
				assert.ErrorIs(t, failed, c.err)
				require.Equal(t, 2, reads)
				gather()
				assert.Equal(t, 2, reads, "it is not asked for again at once")
				assert.Equal(t, time.Second, time.Until(next))
				time.Sleep(time.Until(next))
				gather()
				assert.Equal(t, 4, reads)
				next, _ = g.Failures()
				assert.Equal(t, 2*time.Second, time.Until(next), "the pause doubles")

				err = nil
				time.Sleep(time.Until(next))
				ofSecret, ofConfig = versions(gather())
				assert.Equal(t, "new", ofSecret)
				assert.Equal(t, "new", ofConfig)
				_, failed = g.Failures()
				assert.NoError(t, failed)
			})
		})
	}
}

func namesOf[T metav1.Object](objects []T) []string {
	var names []string
	for _, each := range objects {
		names = append(names, each.GetName())
	}
	return names
}

// An API server that does not answer for one object holds translation back for a bounded time, once.
func TestAReadThatIsNotAnsweredEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := types.NamespacedName{Namespace: "a", Name: "silent"}
		cluster := fake.NewClientBuilder().WithScheme(clientgoscheme.Scheme).WithObjects(
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "a", Name: "silent"}},
		).Build()
		live := interceptor.NewClient(cluster, interceptor.Funcs{
			Get: func(ctx context.Context, _ client.WithWatch, _ client.ObjectKey, _ client.Object, _ ...client.GetOption) error {
				<-ctx.Done()
				return ctx.Err()
			},
		})
		g := &Gatherer{Cache: cluster, Contents: &Contents{Cache: cluster, Live: live}}
		started := time.Now()
		for range 3 {
			var in inputs.Inputs
			require.NoError(t, g.referenced(t.Context(), References{Secrets: map[types.NamespacedName]bool{key: true}}, &in))
			assert.NotEmpty(t, in.Unread.Secrets[key])
		}
		assert.Equal(t, readTimeout, time.Since(started))
	})
}
