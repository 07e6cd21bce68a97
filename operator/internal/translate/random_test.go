package translate_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/randfill"

	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// seeds are how many sets of objects every run of the tests looks at.
const seeds = 400

// FuzzTranslate fills specifications with anything that their types can hold. Whatever comes in, a result
// comes out, the same each time, and routes are either told to be refused or rendered, as readers of the contract take them.
func FuzzTranslate(f *testing.F) {
	for seed := range int64(seeds) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed int64) {
		in := random(seed)
		result := translate.Translate(in)
		assert.Equal(t, result, translate.Translate(in))
		for _, gateway := range result.Gateways {
			_, err := render.Routing(gateway.Model, nil)
			require.NoError(t, err)
			assert.Empty(t, routing.Validate(gateway.Model.Config, nil), "a reader of the contract finds nothing wrong")
		}
		for _, route := range result.Report.Routes {
			assert.NotEmpty(t, route.Entries)
			for _, parent := range route.Entries {
				for _, c := range parent.Conditions {
					assert.NotEmpty(t, c.Reason)
					assert.NotEmpty(t, c.Message)
				}
			}
		}
	})
}

// random makes a few objects of anything, tied together so that they meet. What an API server holds to the schema by
// type alone (names, ports, weights) is sound, or nothing would ever be served.
func random(seed int64) inputs.Inputs {
	source := rand.New(rand.NewPCG(uint64(seed), 1))
	fill := randfill.NewWithSeed(seed).NilChance(0.2).NumElements(0, 4).MaxDepth(12).Funcs(
		anyOf[gatewayv1.ProtocolType](source, "HTTP", "HTTPS", "TCP", "odd"),
		anyOf[gatewayv1.HTTPRouteFilterType](source,
			"RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "URLRewrite", "CORS"),
		anyOf[gatewayv1.HTTPPathModifierType](source, "ReplaceFullPath", "ReplaceFullPath", "ReplacePrefixMatch", "odd"),
		anyOf[gatewayv1.PathMatchType](source, "Exact", "PathPrefix", "RegularExpression", "odd"),
		anyOf[gatewayv1.HeaderMatchType](source, "Exact", "RegularExpression", "odd"),
		anyOf[gatewayv1.QueryParamMatchType](source, "Exact", "RegularExpression", "odd"),
		anyOf[gatewayv1.HTTPMethod](source, "GET", "POST", "o d d"),
		anyOf[gatewayv1.HTTPHeaderName](source, "X-A", "x-a", "Host", "Expect", "o d d", ""),
		anyOf[gatewayv1.Hostname](source, "a.example", "*.example", "*", "o d d", gatewayv1.Hostname(strings.Repeat("n", 64))),
		anyOf[gatewayv1.PreciseHostname](source, "a.example", "b.example", "o d d", gatewayv1.PreciseHostname(strings.Repeat("n", 64))),
		anyOf(source, "/", "/a/", "/a?b", "/%2e%2e/x", "a", "a b", "a\nb", "(", "", "https", "ftp"),
		func(p *int32, _ randfill.Continue) { *p = 1 + source.Int32N(100) },
		func(p *int, _ randfill.Continue) { *p = 300 + source.IntN(9) },
	)
	in := inputs.Inputs{
		GatewayClasses: []*gatewayv1.GatewayClass{gatewaytest.GatewayClass(gatewaytest.Class)},
		Services:       []*corev1.Service{gatewaytest.Service("default", "backend", 8080)},
	}
	for _, name := range []string{"a", "b"} {
		gateway := gatewaytest.Gateway("default", name, nil)
		fill.Fill(&gateway.Spec)
		gateway.Spec.GatewayClassName = gatewaytest.Class
		gateway.Spec.Listeners = append(gateway.Spec.Listeners, gatewaytest.HTTPListener("", 8000))
		for i := range gateway.Spec.Listeners {
			gateway.Spec.Listeners[i].Name = gatewayv1.SectionName(fmt.Sprintf("listener-%d", i))
		}
		in.Gateways = append(in.Gateways, gateway)
		route := gatewaytest.HTTPRoute("default", name, ref, nil)
		fill.Fill(&route.Spec)
		for i := range route.Spec.Rules {
			if source.IntN(4) > 0 {
				simplify(&route.Spec.Rules[i])
			}
		}
		route.Spec.ParentRefs = append(route.Spec.ParentRefs, gatewayv1.ParentReference{Name: "a"}, gatewayv1.ParentReference{Name: "b"})
		in.HTTPRoutes = append(in.HTTPRoutes, route)
	}
	return in
}

// simplify leaves of a rule what is likely to be carried out: the more there is, the likelier something is wrong.
func simplify(rule *gatewayv1.HTTPRouteRule) {
	rule.Filters = rule.Filters[:min(1, len(rule.Filters))]
	//lint:ignore SA1019 a deprecated field is filled in, too
	rule.Timeouts, rule.Retry, rule.SessionPersistence = nil, nil, nil
	for i := range rule.BackendRefs {
		rule.BackendRefs[i].Filters = nil
	}
}

func anyOf[T any](source *rand.Rand, values ...T) func(*T, randfill.Continue) {
	return func(p *T, _ randfill.Continue) { *p = values[source.IntN(len(values))] }
}

// TestRandomObjectsAreWorthTranslating keeps the fuzzer from looking at nothing: some of what it makes has to be served.
func TestRandomObjectsAreWorthTranslating(t *testing.T) {
	sound, filters, matches := 0, 0, 0
	for seed := range int64(seeds) {
		for _, gateway := range translate.Translate(random(seed)).Gateways {
			for _, route := range gateway.Model.Routes {
				for _, rule := range route.Rules {
					matches += len(rule.Matches)
					filters += len(rule.Filters)
					if rule.Invalid == "" {
						sound++
					}
				}
			}
		}
	}
	assert.Greater(t, sound, seeds)
	assert.Greater(t, filters, seeds/20)
	assert.Greater(t, matches, 2*seeds)
}
