//go:build apiserver

package controller

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Every writer of statuses of routes is busy, and more of them wait, until the test says otherwise. What is published in
// the meantime came before all of them.
func TestPublishingDoesNotWaitForTheStatusesOfRoutes(t *testing.T) {
	const many = 40
	proxy := startAPIProxy(t)
	var waiting atomic.Int32
	release := make(chan struct{})
	proxy.meeting(func(r *http.Request) *apierrors.StatusError {
		if r.Method == http.MethodPut && strings.Contains(r.URL.Path, "/httproutes/") && strings.HasSuffix(r.URL.Path, "/status") {
			waiting.Add(1)
			<-release
		}
		return nil
	})
	o := proxy.startOperator(t)
	// The operator ends before the proxy does.
	t.Cleanup(func() { o.stop(t) })
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+webService)
	names := []string{}
	for i := range many {
		require.NoError(t, cluster.Create(t.Context(), route(ns, 10+i)))
		names = append(names, fmt.Sprintf("route-%d", 10+i))
	}
	eventually(t, "every writer of statuses to be busy", func() error {
		if n := waiting.Load(); n < 8 {
			return fmt.Errorf("%d writes wait", n)
		}
		return nil
	})
	require.NoError(t, cluster.Create(t.Context(), route(ns, 99)))
	eventuallyRoutes(t, ns, append(names, "route-99")...)
	for _, write := range proxy.written() {
		assert.False(t, strings.Contains(write, "/httproutes/"), "%s came before what is published", write)
	}
	free()
	eventuallyCondition(t, ofRoute(t, ns, "route-99"), "Accepted", "True", "", "")
}

// largeRoute is a route of so many rules, each with 64 KiB of filters.
func largeRoute(namespace, name string, rules int) *gatewayv1.HTTPRoute {
	r := route(namespace, 0)
	r.Name = name
	filter := &gatewayv1.HTTPHeaderFilter{}
	for i := range 16 {
		filter.Set = append(filter.Set, gatewayv1.HTTPHeader{
			Name: gatewayv1.HTTPHeaderName(fmt.Sprintf("x-%d", i)), Value: strings.Repeat("v", 4096),
		})
	}
	first := r.Spec.Rules[0]
	r.Spec.Rules = nil
	for i := range rules {
		rule, path, kind := first, fmt.Sprintf("/%s/%d", name, i), gatewayv1.PathMatchPathPrefix
		rule.Matches = []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{Type: &kind, Value: &path}}}
		rule.Filters = []gatewayv1.HTTPRouteFilter{{Type: gatewayv1.HTTPRouteFilterRequestHeaderModifier, RequestHeaderModifier: filter}}
		r.Spec.Rules = append(r.Spec.Rules, rule)
	}
	return r
}

// wholeRouting is what is published for the Gateway edge, with its shards.
func wholeRouting(t *testing.T, namespace string) (routing.Config, error) {
	t.Helper()
	head, err := routing.Decode([]byte(get(t, &corev1.ConfigMap{}, namespace, gatewaypod.ConfigMapName("edge")).Data[routing.File]))
	if err != nil {
		return head, err
	}
	shards := map[string][]byte{}
	for _, shard := range head.Shards {
		config := &corev1.ConfigMap{}
		name := gatewaypod.ShardConfigMapName("edge", shard.Name)
		if err := cluster.Get(t.Context(), clientKey(namespace, name), config); err != nil {
			return head, err
		}
		shards[shard.Name] = []byte(config.Data[routing.ShardFile])
	}
	return routing.Join(head, shards)
}

// eventuallyWhole waits until what is published is as it should be.
func eventuallyWhole(t *testing.T, namespace, what string, try func(map[string]routing.Route) error) {
	t.Helper()
	eventually(t, what, func() error {
		config, err := wholeRouting(t, namespace)
		if err != nil {
			return err
		}
		routes := map[string]routing.Route{}
		for _, r := range config.Routes {
			routes[r.Name] = r
		}
		return try(routes)
	})
}

func TestNoRoutesKeepThoseOfOthersFromBeingPublished(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	eventuallyRoutes(t, ns, "web")
	// One that is beyond the limit of a route, and ten of 192 KiB that fall to the same shard of 992 KiB.
	require.NoError(t, cluster.Create(t.Context(), largeRoute(ns, "too-large", 6)))
	crowd := 0
	for i := 0; crowd < 10; i++ {
		if name := fmt.Sprintf("crowd-%d", i); routing.ShardOf(ns+"/"+name) == "07" {
			require.NoError(t, cluster.Create(t.Context(), largeRoute(ns, name, 3)))
			crowd++
		}
	}
	require.NoError(t, cluster.Create(t.Context(), route(ns, 1)))
	eventuallyCondition(t, ofRoute(t, ns, "too-large"), "Accepted", "False", "UnsupportedValue", "no route may take more than 256 KiB")
	eventuallyCondition(t, ofRoute(t, ns, "route-1"), "Accepted", "True", "", "")
	eventuallyWhole(t, ns, "all routes to be published", func(routes map[string]routing.Route) error {
		if len(routes) != 13 {
			return fmt.Errorf("%d routes", len(routes))
		}
		for name, route := range routes {
			for _, rule := range route.Rules {
				if (rule.Invalid != "") != (name == "too-large") {
					return fmt.Errorf("rule of %s: invalid=%q", name, rule.Invalid)
				}
			}
		}
		return nil
	})
	require.NoError(t, cluster.Delete(t.Context(), largeRoute(ns, "too-large", 6)))
	apply(t, ns, strings.Replace(webRoute, "name: web}\nspec", "name: one-more}\nspec", 1))
	eventuallyWhole(t, ns, "one more route to be published", func(routes map[string]routing.Route) error {
		if _, ok := routes["one-more"]; !ok || len(routes) != 13 {
			return fmt.Errorf("%d routes", len(routes))
		}
		return nil
	})
}
