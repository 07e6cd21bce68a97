package translate_test

import (
	"math/rand/v2"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/randfill"

	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

// FuzzTranslate fills specifications with anything that their types can hold. Whatever comes in, a result
// comes out, the same each time, and routes are either told to be refused or rendered.
func FuzzTranslate(f *testing.F) {
	for seed := range int64(40) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, seed int64) {
		in := random(seed)
		result := translate.Translate(in)
		assert.Equal(t, result, translate.Translate(in))
		for _, gateway := range result.Gateways {
			if gateway.Model != nil {
				_, err := render.Routing(gateway.Model, nil)
				require.NoError(t, err)
			}
		}
		for _, route := range result.Report.HTTPRoutes {
			assert.NotEmpty(t, route.Parents)
			for _, parent := range route.Parents {
				for _, c := range parent.Conditions {
					assert.NotEmpty(t, c.Reason)
					assert.NotEmpty(t, c.Message)
				}
			}
		}
	})
}

// random makes a few objects of anything, tied together so that they meet.
func random(seed int64) inputs.Inputs {
	source := rand.NewPCG(uint64(seed), 1)
	fill := randfill.NewWithSeed(seed).NilChance(0.3).NumElements(0, 4).MaxDepth(12).Funcs(
		func(p *gatewayv1.ProtocolType, _ randfill.Continue) {
			*p = []gatewayv1.ProtocolType{"HTTP", "HTTPS", "TCP", "odd"}[source.Uint64()%4]
		},
		func(p *gatewayv1.HTTPRouteFilterType, _ randfill.Continue) {
			*p = []gatewayv1.HTTPRouteFilterType{
				"RequestHeaderModifier", "ResponseHeaderModifier", "RequestRedirect", "URLRewrite", "CORS", "odd",
			}[source.Uint64()%6]
		},
	)
	in := inputs.Inputs{GatewayClasses: []*gatewayv1.GatewayClass{gatewaytest.GatewayClass(gatewaytest.Class)}}
	for _, name := range []string{"a", "b"} {
		gateway := gatewaytest.Gateway("default", name, nil)
		fill.Fill(&gateway.Spec)
		gateway.Spec.GatewayClassName = gatewaytest.Class
		in.Gateways = append(in.Gateways, gateway)
		route := gatewaytest.HTTPRoute("default", name, ref, nil)
		fill.Fill(&route.Spec)
		route.Spec.ParentRefs = append(route.Spec.ParentRefs, gatewayv1.ParentReference{Name: "a"}, gatewayv1.ParentReference{Name: "b"})
		in.HTTPRoutes = append(in.HTTPRoutes, route)
	}
	return in
}
