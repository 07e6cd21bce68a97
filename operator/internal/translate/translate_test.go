package translate_test

import (
	"fmt"
	"testing"

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
)

// The feature files show what manifests lead to. Here are the values that an API server would refuse, and
// that only an experimental channel has: translation must hold against them, too.

var ref = types.NamespacedName{Namespace: "default", Name: "gateway"}

// withRule translates one route with one rule.
func withRule(rule gatewayv1.HTTPRouteRule) translate.Result {
	return translate.Translate(inputs.Inputs{
		GatewayClasses: []*gatewayv1.GatewayClass{gatewaytest.GatewayClass(gatewaytest.Class)},
		Gateways: []*gatewayv1.Gateway{
			gatewaytest.Gateway("default", "gateway", []gatewayv1.Listener{gatewaytest.HTTPListener("http", 80)}),
		},
		HTTPRoutes: []*gatewayv1.HTTPRoute{
			gatewaytest.HTTPRoute("default", "route", ref, []gatewayv1.HTTPRouteRule{rule}),
		},
	})
}

func withGateway(gateway *gatewayv1.Gateway) report.Gateway {
	result := translate.Translate(inputs.Inputs{
		GatewayClasses: []*gatewayv1.GatewayClass{gatewaytest.GatewayClass(gatewaytest.Class)},
		Gateways:       []*gatewayv1.Gateway{gateway},
	})
	return result.Report.Gateways[0]
}

func TestRulesThatNoAPIServerLetsThrough(t *testing.T) {
	filters := func(list ...gatewayv1.HTTPRouteFilter) gatewayv1.HTTPRouteRule {
		rule := gatewaytest.Rule("/", "backend", 8080)
		rule.Filters = list
		return rule
	}
	redirect := func(r gatewayv1.HTTPRequestRedirectFilter) gatewayv1.HTTPRouteFilter {
		return gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterRequestRedirect, RequestRedirect: &r}
	}
	rewrite := gatewayv1.HTTPRouteFilter{
		Type: gatewayv1.HTTPRouteFilterURLRewrite, URLRewrite: &gatewayv1.HTTPURLRewriteFilter{},
	}
	exactWithPrefix := filters(redirect(gatewayv1.HTTPRequestRedirectFilter{Path: &gatewayv1.HTTPPathModifier{
		Type: gatewayv1.PrefixMatchHTTPPathModifier, ReplacePrefixMatch: gatewaytest.Ref("/b"),
	}}))
	exactWithPrefix.Matches[0].Path.Type = gatewaytest.Ref(gatewayv1.PathMatchExact)
	unknownPath := gatewaytest.Rule("/", "backend", 8080)
	unknownPath.Matches[0].Path.Type = gatewaytest.Ref(gatewayv1.PathMatchType("Glob"))
	persistent := gatewaytest.Rule("/", "backend", 8080)
	//lint:ignore SA1019 a deprecated field must still not be dropped in silence
	persistent.SessionPersistence = &gatewayv1.SessionPersistence{}

	for name, test := range map[string]struct {
		rule   gatewayv1.HTTPRouteRule
		reason gatewayv1.RouteConditionReason
		says   string
	}{
		"a redirect and a rewrite exclude each other": {
			filters(redirect(gatewayv1.HTTPRequestRedirectFilter{}), rewrite),
			gatewayv1.RouteReasonIncompatibleFilters, "exclude each other"},
		"a filter cannot stand twice": {
			filters(rewrite, rewrite), gatewayv1.RouteReasonIncompatibleFilters, "twice"},
		"a filter without its field says nothing": {
			filters(gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterURLRewrite}),
			gatewayv1.RouteReasonUnsupportedValue, "says nothing"},
		"a filter of a type to come is not skipped": {
			filters(gatewayv1.HTTPRouteFilter{Type: "Teleport"}),
			gatewayv1.RouteReasonUnsupportedValue, "filters[0].type: Teleport"},
		"external authorization is not skipped": {
			filters(gatewayv1.HTTPRouteFilter{Type: gatewayv1.HTTPRouteFilterExternalAuth}),
			gatewayv1.RouteReasonUnsupportedValue, "ExternalAuth"},
		"a redirect has one of five status codes": {
			filters(redirect(gatewayv1.HTTPRequestRedirectFilter{StatusCode: gatewaytest.Ref(304)})),
			gatewayv1.RouteReasonUnsupportedValue, "statusCode: 304"},
		"a redirect goes to http or https": {
			filters(redirect(gatewayv1.HTTPRequestRedirectFilter{Scheme: gatewaytest.Ref("ftp")})),
			gatewayv1.RouteReasonUnsupportedValue, "scheme: ftp"},
		"a prefix can only be replaced where one matched": {
			exactWithPrefix, gatewayv1.RouteReasonUnsupportedValue, "PathPrefix only"},
		"a path match of a type to come never matches": {
			unknownPath, gatewayv1.RouteReasonUnsupportedValue, "Glob"},
		"session persistence is not ignored": {
			persistent, gatewayv1.RouteReasonUnsupportedValue, "sessionPersistence"},
	} {
		t.Run(name, func(t *testing.T) {
			result := withRule(test.rule)
			require.Len(t, result.Report.Routes, 1)
			accepted := report.Find(result.Report.Routes[0].Entries[0].Conditions, "Accepted")
			require.NotNil(t, accepted)
			assert.Equal(t, metav1.ConditionFalse, accepted.Status)
			assert.Equal(t, string(test.reason), accepted.Reason)
			assert.Contains(t, accepted.Message, test.says)
			assert.Zero(t, result.Report.Gateways[0].Listeners[0].AttachedRoutes)
			for _, route := range result.Gateways[0].Model.Routes {
				for _, rule := range route.Rules {
					assert.NotEmpty(t, rule.Invalid, "what the rule matches is answered 500")
					assert.Empty(t, rule.Backends)
				}
			}
		})
	}
}

func TestListenersThatNoAPIServerLetsThrough(t *testing.T) {
	listener := func(change func(*gatewayv1.Listener)) gatewayv1.Listener {
		return gatewaytest.HTTPListener("http", 80, change)
	}
	selector := &metav1.LabelSelector{MatchExpressions: []metav1.LabelSelectorRequirement{{Key: "a", Operator: "Near"}}}

	for name, test := range map[string]struct {
		listener gatewayv1.Listener
		field    string
	}{
		"filters of a listener are not ignored": {listener(func(l *gatewayv1.Listener) {
			l.Filters = &gatewayv1.ListenerFilters{Requests: []gatewayv1.ListenerFilter{{Type: gatewayv1.ListenerFilterExternalAuth}}}
		}), "filters"},
		"a selector that cannot be read selects nothing": {listener(func(l *gatewayv1.Listener) {
			l.AllowedRoutes.Namespaces = &gatewayv1.RouteNamespaces{
				From: gatewaytest.Ref(gatewayv1.NamespacesFromSelector), Selector: selector,
			}
		}), "allowedRoutes.namespaces.selector"},
		"namespaces can only be chosen in ways that are known": {listener(func(l *gatewayv1.Listener) {
			l.AllowedRoutes.Namespaces.From = gatewaytest.Ref(gatewayv1.FromNamespaces("Neighbours"))
		}), "allowedRoutes.namespaces.from"},
		"TLS ends at an HTTPS listener": {listener(func(l *gatewayv1.Listener) {
			l.Protocol = gatewayv1.HTTPSProtocolType
			l.TLS = &gatewayv1.ListenerTLSConfig{Mode: gatewaytest.Ref(gatewayv1.TLSModePassthrough)}
		}), "tls.mode"},
	} {
		t.Run(name, func(t *testing.T) {
			r := withGateway(gatewaytest.Gateway("default", "gateway", []gatewayv1.Listener{test.listener}))
			accepted := report.Find(r.Listeners[0].Conditions, "Accepted")
			assert.Equal(t, string(gatewayv1.ListenerReasonUnsupportedValue), accepted.Reason)
			assert.Contains(t, accepted.Message, test.field+": ")
			assert.False(t, r.Listeners[0].Serves)
		})
	}
}

func TestSameHostnameOnOnePortIsAConflictOfAllThatAskForIt(t *testing.T) {
	host := func(h string) func(*gatewayv1.Listener) {
		return func(l *gatewayv1.Listener) { l.Hostname = gatewaytest.Ref(gatewayv1.Hostname(h)) }
	}
	r := withGateway(gatewaytest.Gateway("default", "gateway", []gatewayv1.Listener{
		gatewaytest.HTTPListener("a", 80, host("a.example")),
		gatewaytest.HTTPListener("b", 80, host("A.example")),
		gatewaytest.HTTPListener("c", 80),
	}))
	for i, conflicted := range []bool{true, true, false} {
		assert.Equal(t, conflicted, report.IsTrue(r.Listeners[i].Conditions, "Conflicted"), r.Listeners[i].Name)
		assert.Equal(t, !conflicted, r.Listeners[i].Serves, r.Listeners[i].Name)
	}
	assert.Equal(t, string(gatewayv1.ListenerReasonHostnameConflict), report.Find(r.Listeners[0].Conditions, "Conflicted").Reason)
	assert.Equal(t, string(gatewayv1.GatewayReasonListenersNotValid), report.Find(r.Conditions, "Accepted").Reason)
}

func TestAStatusFitsIntoItsObjectHoweverManyListenersAreInConflict(t *testing.T) {
	var listeners []gatewayv1.Listener
	for i := range 64 {
		listeners = append(listeners, gatewaytest.HTTPListener(fmt.Sprintf("%0253d", i), 443, func(l *gatewayv1.Listener) {
			l.Protocol = gatewayv1.HTTPSProtocolType
		}))
	}
	r := withGateway(gatewaytest.Gateway("default", "gateway", listeners))
	bytes := 0
	for _, l := range r.Listeners {
		assert.Contains(t, report.Find(l.Conditions, "Conflicted").Message, " and 55 more.")
		assert.Contains(t, report.Find(l.Conditions, "OverlappingTLSConfig").Message, " and 55 more.")
		for _, c := range l.Conditions {
			bytes += len(c.Message)
		}
	}
	// An API server takes objects of 1.5 MiB at most (etcd), and the specification is part of it.
	assert.Less(t, bytes, 512<<10)
}

func TestFieldsOfTheExperimentalChannelAreToldOf(t *testing.T) {
	r := withGateway(gatewaytest.Gateway("default", "gateway",
		[]gatewayv1.Listener{gatewaytest.HTTPListener("http", 80)},
		func(g *gatewayv1.Gateway) { g.Spec.DefaultScope = gatewayv1.GatewayDefaultScopeAll }))
	c := report.Find(r.Conditions, report.ConditionPartiallyInvalid)
	require.NotNil(t, c)
	assert.Contains(t, c.Message, "spec.defaultScope")
}

func TestDefaultGatewaysAreToldOf(t *testing.T) {
	route := gatewaytest.HTTPRoute("default", "route", ref, []gatewayv1.HTTPRouteRule{gatewaytest.Rule("/", "backend", 8080)})
	route.Spec.UseDefaultGateways = gatewayv1.GatewayDefaultScopeAll
	result := translate.Translate(inputs.Inputs{
		GatewayClasses: []*gatewayv1.GatewayClass{gatewaytest.GatewayClass(gatewaytest.Class)},
		Gateways: []*gatewayv1.Gateway{
			gatewaytest.Gateway("default", "gateway", []gatewayv1.Listener{gatewaytest.HTTPListener("http", 80)}),
		},
		HTTPRoutes: []*gatewayv1.HTTPRoute{route},
	})
	accepted := report.Find(result.Report.Routes[0].Entries[0].Conditions, "Accepted")
	assert.Equal(t, metav1.ConditionTrue, accepted.Status)
	assert.Contains(t, accepted.Message, "spec.useDefaultGateways")
}

func TestNoInputsGiveNoResult(t *testing.T) {
	assert.Empty(t, translate.Translate(inputs.Inputs{}).Gateways)
}

// large is one Gateway with many routes of three rules, on as many hostnames.
func large(routes int) inputs.Inputs {
	in := inputs.Inputs{
		GatewayClasses: []*gatewayv1.GatewayClass{gatewaytest.GatewayClass(gatewaytest.Class)},
		Gateways: []*gatewayv1.Gateway{
			gatewaytest.Gateway("default", "gateway", []gatewayv1.Listener{gatewaytest.HTTPListener("http", 80)}),
		},
	}
	for i := range routes {
		name := fmt.Sprintf("route-%05d", i)
		in.Services = append(in.Services, gatewaytest.Service("default", name, 8080))
		in.HTTPRoutes = append(in.HTTPRoutes, gatewaytest.HTTPRoute("default", name, ref,
			[]gatewayv1.HTTPRouteRule{
				gatewaytest.Rule("/", name, 8080),
				gatewaytest.Rule("/static", name, 8080),
				gatewaytest.Rule("/api/v1", name, 8080),
			},
			func(r *gatewayv1.HTTPRoute) {
				r.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(name + ".example.org")}
			}))
	}
	return in
}

func TestTenThousandRoutesAreTranslatedAndFitTheContract(t *testing.T) {
	result := translate.Translate(large(10_000))
	assert.Len(t, result.Gateways[0].Model.Routes, 10_000)
	assert.Equal(t, int32(10_000), result.Report.Gateways[0].Listeners[0].AttachedRoutes)
	files, err := render.Routing(result.Gateways[0].Model, nil)
	require.NoError(t, err)
	assert.NotEmpty(t, files.Shards)
}

func BenchmarkTranslate(b *testing.B) {
	for _, routes := range []int{10, 1_000, 10_000} {
		in := large(routes)
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				translate.Translate(in)
			}
		})
	}
}

func BenchmarkRender(b *testing.B) {
	for _, routes := range []int{10, 1_000, 10_000} {
		model := translate.Translate(large(routes)).Gateways[0].Model
		b.Run(fmt.Sprintf("routes=%d", routes), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := render.Routing(model, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A class that is gone takes nothing with it: what it decided is not known any more, and stays as it is.
func TestAGatewayWhoseClassIsGoneIsHeldAndAccepted(t *testing.T) {
	edge := types.NamespacedName{Namespace: "shop", Name: "edge"}
	in := inputs.Inputs{
		Gateways:   []*gatewayv1.Gateway{gatewaytest.Gateway("shop", "edge", []gatewayv1.Listener{gatewaytest.HTTPListener("http", 80)})},
		HTTPRoutes: []*gatewayv1.HTTPRoute{gatewaytest.HTTPRoute("shop", "web", edge, nil)},
	}
	assert.Empty(t, translate.Translate(in).Gateways, "it was never ours")
	in.Classless = map[string]bool{"shop/edge": true}
	result := translate.Translate(in)
	require.Len(t, result.Gateways, 1)
	assert.True(t, result.Gateways[0].SettingsUnknown)
	assert.Len(t, result.Gateways[0].Model.Routes, 1)
	assert.True(t, result.Report.Gateways[0].Accepted())
	assert.True(t, report.IsTrue(result.Report.Gateways[0].Conditions, report.ConditionClassMissing))
	require.Len(t, result.Report.Routes, 1)
	assert.True(t, report.IsTrue(result.Report.Routes[0].Entries[0].Conditions, "Accepted"))
}
