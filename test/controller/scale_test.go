//go:build apiserver

package controller

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
	"github.com/varnish-gateway/gateway/test/certificate"
)

// routes is how many HTTPRoutes one Gateway has in TestThousandsOfRoutes.
const routes = 3000

func secretManifest(t *testing.T, name string) string {
	t.Helper()
	pair, err := certificate.SelfSigned("edge.example")
	require.NoError(t, err)
	return strings.Replace(pair.Secret(name), "metadata:\n", "metadata:\n  namespace: $NS\n", 1)
}

func createRoutes(t *testing.T, namespace string) {
	t.Helper()
	numbers := make(chan int)
	var workers sync.WaitGroup
	var mu sync.Mutex
	var failed error
	for range 8 {
		workers.Go(func() {
			for i := range numbers {
				if err := cluster.Create(t.Context(), route(namespace, i)); err != nil {
					mu.Lock()
					failed = err
					mu.Unlock()
				}
			}
		})
	}
	for i := range routes {
		numbers <- i
	}
	close(numbers)
	workers.Wait()
	require.NoError(t, failed)
}

func route(namespace string, i int) *gatewayv1.HTTPRoute {
	port := gatewayv1.PortNumber(80)
	path, kind := fmt.Sprintf("/route-%d", i), gatewayv1.PathMatchPathPrefix
	return &gatewayv1.HTTPRoute{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: fmt.Sprintf("route-%d", i)},
		Spec: gatewayv1.HTTPRouteSpec{
			CommonRouteSpec: gatewayv1.CommonRouteSpec{ParentRefs: []gatewayv1.ParentReference{{Name: "edge"}}},
			Hostnames:       []gatewayv1.Hostname{gatewayv1.Hostname(fmt.Sprintf("host-%d.example.org", i%100))},
			Rules: []gatewayv1.HTTPRouteRule{{
				Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: &kind, Value: &path}}},
				BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{
					BackendObjectReference: gatewayv1.BackendObjectReference{Name: "web", Port: &port},
				}}},
			}},
		},
	}
}

func TestThousandsOfRoutes(t *testing.T) {
	first := startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+webService)
	started := time.Now()
	createRoutes(t, ns)
	t.Logf("%d routes made in %s", routes, time.Since(started).Round(time.Millisecond))
	// these are large lists, and the machine has other things to do
	eventuallyEvery(t, 200*time.Millisecond, "every route to be accepted and published", func() error { return allPublished(t, ns) })
	t.Logf("all of them accepted and published after %s; operator at %d MiB", time.Since(started).Round(time.Millisecond), first.memory(t))
	assert.Less(t, first.memory(t), int64(215), "memory of the operator in MiB")

	first.idle(t)
	first.stop(t)
	versions := resourceVersions(t, ns)
	second := startOperator(t)
	second.idle(t)
	assert.Empty(t, second.writes(t), "a restart writes nothing")
	assert.Equal(t, versions, resourceVersions(t, ns))
	t.Logf("after a restart: operator at %d MiB", second.memory(t))
	assert.Less(t, second.memory(t), int64(215), "memory of the operator in MiB")

	head := get(t, &corev1.ConfigMap{}, ns, gatewaypod.ConfigMapName("edge")).Data[routing.File]
	started = time.Now()
	require.NoError(t, cluster.Create(t.Context(), route(ns, routes)))
	eventually(t, "one more route to be published", func() error {
		if get(t, &corev1.ConfigMap{}, ns, gatewaypod.ConfigMapName("edge")).Data[routing.File] == head {
			return fmt.Errorf("not yet")
		}
		return nil
	})
	t.Logf("one more route published after %s", time.Since(started).Round(time.Millisecond))

	require.NoError(t, cluster.DeleteAllOf(t.Context(), &gatewayv1.HTTPRoute{}, inNamespaceAll(ns)))
	eventually(t, "the shards to be gone", func() error {
		var list corev1.ConfigMapList
		require.NoError(t, cluster.List(t.Context(), &list, inNamespace(ns)))
		for _, each := range list.Items {
			if strings.Contains(each.Name, "-routes-") {
				return fmt.Errorf("%s is there", each.Name)
			}
		}
		return nil
	})
}

// allPublished tells whether every route is in the shards that the head names, and is told so.
func allPublished(t *testing.T, namespace string) error {
	whole, err := wholeRouting(t, namespace)
	if err != nil {
		return err
	}
	if len(whole.Routes) != routes {
		return fmt.Errorf("%d routes are published", len(whole.Routes))
	}
	var list gatewayv1.HTTPRouteList
	if err := cluster.List(t.Context(), &list, inNamespace(namespace)); err != nil {
		return err
	}
	for _, route := range list.Items {
		if len(route.Status.Parents) != 1 || !slices.ContainsFunc(route.Status.Parents[0].Conditions, func(c metav1.Condition) bool {
			return c.Type == "Accepted" && c.Status == "True"
		}) {
			return fmt.Errorf("%s is not accepted", route.Name)
		}
	}
	if n := get(t, &gatewayv1.Gateway{}, namespace, "edge").Status.Listeners[0].AttachedRoutes; n != routes {
		return fmt.Errorf("%d routes are counted", n)
	}
	return nil
}

// resourceVersions of everything that the operator writes in a namespace.
func resourceVersions(t *testing.T, namespace string) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, list := range ownedLists() {
		require.NoError(t, cluster.List(t.Context(), list, inNamespace(namespace)))
		for name, version := range versionsOf(t, list) {
			versions[name] = version
		}
	}
	return versions
}
