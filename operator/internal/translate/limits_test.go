package translate_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
	"github.com/varnish-gateway/gateway/shared/routing"
)

var shared = types.NamespacedName{Namespace: "default", Name: "gateway"}

// routeWith is a route to the shared Gateway, with so many KiB in its filters or in its matches.
func routeWith(namespace, name string, filterKiB, matchKiB int) *gatewayv1.HTTPRoute {
	rule := gatewaytest.Rule("/"+name, "web", 80)
	if filterKiB > 0 {
		filter := &gatewayv1.HTTPHeaderFilter{}
		for i := range filterKiB {
			filter.Set = append(filter.Set, gatewayv1.HTTPHeader{
				Name: gatewayv1.HTTPHeaderName(fmt.Sprintf("x-%d", i)), Value: strings.Repeat("v", 1<<10),
			})
		}
		rule.Filters = []gatewayv1.HTTPRouteFilter{{Type: gatewayv1.HTTPRouteFilterRequestHeaderModifier, RequestHeaderModifier: filter}}
	}
	for i := range matchKiB {
		rule.Matches = append(rule.Matches, gatewayv1.HTTPRouteMatch{Headers: []gatewayv1.HTTPHeaderMatch{{
			Name: gatewayv1.HTTPHeaderName(fmt.Sprintf("x-%d", i)), Value: strings.Repeat("v", 1<<10),
		}}})
	}
	return gatewaytest.HTTPRoute(namespace, name, shared, []gatewayv1.HTTPRouteRule{rule})
}

func ofTenants(routes ...*gatewayv1.HTTPRoute) inputs.Inputs {
	all := gatewaytest.HTTPListener("http", 80, func(l *gatewayv1.Listener) {
		l.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: gatewaytest.Ref(gatewayv1.NamespacesFromAll)}}
	})
	in := inputs.Inputs{
		GatewayClasses: []*gatewayv1.GatewayClass{gatewaytest.GatewayClass(gatewaytest.Class)},
		Gateways:       []*gatewayv1.Gateway{gatewaytest.Gateway(shared.Namespace, shared.Name, []gatewayv1.Listener{all})},
		HTTPRoutes:     routes,
	}
	for _, route := range routes {
		in.Services = append(in.Services, gatewaytest.Service(route.Namespace, "web", 80))
	}
	return in
}

func acceptedOf(t *testing.T, result translate.Result, namespace, name string) report.Condition {
	t.Helper()
	for _, route := range result.Report.Routes {
		if route.Namespace == namespace && route.Name == name {
			return *report.Find(route.Entries[0].Conditions, "Accepted")
		}
	}
	require.Fail(t, "no such route", name)
	return report.Condition{}
}

// published are the rules of each published route by its name; whether any backend gets anything is told by a star.
func published(t *testing.T, result translate.Result) map[string]string {
	t.Helper()
	model := result.Gateways[0].Model
	_, err := render.Routing(model, nil)
	require.NoError(t, err, "what is left can be published")
	routes := map[string]string{}
	for _, route := range model.Routes {
		serves := "answers 500"
		for _, rule := range route.Rules {
			if rule.Invalid == "" && len(rule.Backends) > 0 {
				serves = "serves"
			}
			require.NotEmpty(t, rule.Matches)
		}
		routes[route.Name] = serves
	}
	return routes
}

func TestARouteBeyondItsLimitHarmsNoOther(t *testing.T) {
	for name, c := range map[string]struct {
		filterKiB, matchKiB int
		accepted            metav1.ConditionStatus
		// message, and what is published of the route.
		message, published string
	}{
		"within the limit":               {200, 0, "True", "accepted", "serves"},
		"its filters are too large":      {300, 0, "False", "the route takes 309 KiB of the Gateway's configuration, and no route may take more than 256 KiB. Requests that it matches are answered 500.", "answers 500"},
		"its matches are too large":      {0, 300, "False", "It matches nothing, since its matches alone are larger than that.", ""},
		"filters and matches, one fits":  {300, 100, "False", "Requests that it matches are answered 500.", "answers 500"},
		"larger than any shard could be": {2000, 0, "False", "Requests that it matches are answered 500.", "answers 500"},
	} {
		t.Run(name, func(t *testing.T) {
			in := ofTenants(routeWith("greedy", "large", c.filterKiB, c.matchKiB), routeWith("modest", "small", 0, 0))
			result := translate.Translate(in)
			accepted := acceptedOf(t, result, "greedy", "large")
			assert.Equal(t, c.accepted, accepted.Status)
			assert.Contains(t, accepted.Message, c.message)
			want := map[string]string{"small": "serves"}
			attached := int32(1)
			if c.published != "" {
				want["large"] = c.published
			}
			if c.accepted == metav1.ConditionTrue {
				attached = 2
			} else {
				assert.Equal(t, string(gatewayv1.RouteReasonUnsupportedValue), accepted.Reason)
			}
			assert.Equal(t, want, published(t, result))
			assert.Equal(t, attached, result.Report.Gateways[0].Listeners[0].AttachedRoutes, "accepted routes are counted (ListenerStatus)")
			assert.Equal(t, metav1.ConditionTrue, acceptedOf(t, result, "modest", "small").Status)
		})
	}
}

func TestRoutesBeyondTheLimitOfAllAreThoseOfWhoHasTheMost(t *testing.T) {
	const size = 200
	fit := routing.TotalLimit / (size << 10)
	started := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var routes []*gatewayv1.HTTPRoute
	for i := range fit + 5 {
		route := routeWith("greedy", fmt.Sprintf("large-%03d", i), size, 0)
		route.CreationTimestamp = metav1.NewTime(started.Add(time.Duration(i) * time.Second))
		routes = append(routes, route)
	}
	for i := range 3 {
		route := routeWith("modest", fmt.Sprintf("small-%d", i), 0, 0)
		route.CreationTimestamp = metav1.NewTime(started.Add(time.Hour))
		routes = append(routes, route)
	}
	result := translate.Translate(ofTenants(routes...))
	serving := published(t, result)
	for i := range 3 {
		assert.Equal(t, "serves", serving[fmt.Sprintf("small-%d", i)], "newest of all, and of a namespace that has little")
	}
	left := 0
	for i := range fit + 5 {
		name := fmt.Sprintf("large-%03d", i)
		accepted := acceptedOf(t, result, "greedy", name)
		if _, ok := serving[name]; ok {
			assert.Equal(t, metav1.ConditionTrue, accepted.Status)
			assert.Zero(t, left, "the oldest stay: %s", name)
			continue
		}
		left++
		assert.Equal(t, report.ReasonNoResources, accepted.Reason)
		assert.Contains(t, accepted.Message, `those of namespace "greedy" take the most`)
	}
	assert.Greater(t, left, 4)
	assert.Less(t, left, 20, "no more than must be")
	assert.Equal(t, int32(len(serving)), result.Report.Gateways[0].Listeners[0].AttachedRoutes)
}
