package gather

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

var edge = types.NamespacedName{Namespace: "shop", Name: "edge"}

func https(name string, secret gatewayv1.SecretObjectReference) gatewayv1.Listener {
	return gatewaytest.HTTPListener(name, 443, func(l *gatewayv1.Listener) {
		l.Protocol = gatewayv1.HTTPSProtocolType
		l.TLS = &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{secret}}
	})
}

func TestReferencesAreKnownWhetherTheirObjectsExistOrNot(t *testing.T) {
	classParameters := &v1alpha1.GatewayClassParameters{}
	classParameters.Spec.VCL = &v1alpha1.ClassVCLReference{Namespace: "system", VCLReference: v1alpha1.VCLReference{Name: "class"}}
	parameters := &v1alpha1.GatewayParameters{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "p"}}
	parameters.Spec.VCL = &v1alpha1.VCLReference{Name: "own"}
	in := inputs.Inputs{
		Gateways: []*gatewayv1.Gateway{gatewaytest.Gateway("shop", "edge", []gatewayv1.Listener{
			https("own", gatewayv1.SecretObjectReference{Name: "here"}),
			https("other", gatewayv1.SecretObjectReference{Name: "there", Namespace: gatewaytest.Ref(gatewayv1.Namespace("certs"))}),
			https("kind", gatewayv1.SecretObjectReference{Name: "no", Kind: gatewaytest.Ref(gatewayv1.Kind("Vault"))}),
		})},
		HTTPRoutes: []*gatewayv1.HTTPRoute{gatewaytest.HTTPRoute("shop", "r", edge, []gatewayv1.HTTPRouteRule{
			gatewaytest.Rule("/", "web", 80),
			gatewaytest.Rule("/x", "api", 80, func(r *gatewayv1.HTTPRouteRule) {
				r.BackendRefs[0].Namespace = gatewaytest.Ref(gatewayv1.Namespace("backends"))
			}),
			gatewaytest.Rule("/y", "bucket", 80, func(r *gatewayv1.HTTPRouteRule) {
				r.BackendRefs[0].Kind = gatewaytest.Ref(gatewayv1.Kind("Bucket"))
			}),
		})},
		GatewayClassParameters: []*v1alpha1.GatewayClassParameters{classParameters},
		GatewayParameters:      []*v1alpha1.GatewayParameters{parameters},
	}
	assert.Equal(t, References{
		Services:   map[types.NamespacedName]bool{{Namespace: "shop", Name: "web"}: true, {Namespace: "backends", Name: "api"}: true},
		Secrets:    map[types.NamespacedName]bool{{Namespace: "shop", Name: "here"}: true, {Namespace: "certs", Name: "there"}: true},
		ConfigMaps: map[types.NamespacedName]bool{{Namespace: "system", Name: "class"}: true, {Namespace: "shop", Name: "own"}: true},
	}, ReferencesOf(in))
}

func TestNamespacesMatterOnlyToSelectors(t *testing.T) {
	in := inputs.Inputs{Gateways: []*gatewayv1.Gateway{gatewaytest.Gateway("shop", "edge", []gatewayv1.Listener{
		gatewaytest.HTTPListener("http", 80),
	})}}
	assert.False(t, ReferencesOf(in).Namespaces)
	in.Gateways[0].Spec.Listeners[0].AllowedRoutes.Namespaces.From = gatewaytest.Ref(gatewayv1.NamespacesFromSelector)
	assert.True(t, ReferencesOf(in).Namespaces)
}

func TestOnlyWhatIsOursIsKept(t *testing.T) {
	foreign := gatewaytest.GatewayClass("foreign", func(c *gatewayv1.GatewayClass) { c.Spec.ControllerName = "example.org/x" })
	leaving := gatewaytest.Gateway("shop", "leaving", nil, func(g *gatewayv1.Gateway) { g.DeletionTimestamp = &metav1.Time{Time: metav1.Now().Time} })
	theirs := gatewaytest.Gateway("shop", "theirs", nil, func(g *gatewayv1.Gateway) { g.Spec.GatewayClassName = "foreign" })
	ownRoute := gatewaytest.HTTPRoute("a", "own", edge, nil)
	both := gatewaytest.HTTPRoute("a", "both", types.NamespacedName{Namespace: "shop", Name: "theirs"}, nil, func(r *gatewayv1.HTTPRoute) {
		r.Spec.ParentRefs = append(r.Spec.ParentRefs, ownRoute.Spec.ParentRefs...)
	})
	classless := func(name string) *gatewayv1.Gateway {
		return gatewaytest.Gateway("shop", name, nil, func(g *gatewayv1.Gateway) { g.Spec.GatewayClassName = "gone" })
	}
	in := inputs.Inputs{
		GatewayClasses: []*gatewayv1.GatewayClass{foreign, gatewaytest.GatewayClass(gatewaytest.Class)},
		Gateways:       []*gatewayv1.Gateway{gatewaytest.Gateway("shop", "edge", nil), leaving, theirs, classless("kept"), classless("new")},
		HTTPRoutes: []*gatewayv1.HTTPRoute{
			ownRoute, both,
			gatewaytest.HTTPRoute("a", "theirs", types.NamespacedName{Namespace: "shop", Name: "theirs"}, nil),
			gatewaytest.HTTPRoute("a", "leaving", types.NamespacedName{Namespace: "shop", Name: "leaving"}, nil),
			gatewaytest.HTTPRoute("a", "nowhere", types.NamespacedName{Namespace: "shop", Name: "nowhere"}, nil),
		},
	}
	require.NoError(t, ours(&in, func(g *gatewayv1.Gateway) (bool, error) { return g.Name == "kept", nil }))
	assert.Equal(t, []string{gatewaytest.Class}, names(in.GatewayClasses))
	assert.Equal(t, []string{"edge", "kept"}, names(in.Gateways))
	assert.Equal(t, map[string]bool{"shop/kept": true}, in.Classless)
	assert.Equal(t, []string{"own", "both"}, names(in.HTTPRoutes))
	key := func(namespace, name string) types.NamespacedName {
		return types.NamespacedName{Namespace: namespace, Name: name}
	}
	assert.Equal(t, inputs.Elsewhere{
		Gateways:   map[types.NamespacedName]bool{key("shop", "leaving"): true, key("shop", "theirs"): true, key("shop", "new"): true},
		HTTPRoutes: map[types.NamespacedName]bool{key("a", "theirs"): true, key("a", "leaving"): true, key("a", "nowhere"): true},
	}, in.Elsewhere)
}

func names[T metav1.Object](list []T) []string {
	var names []string
	for _, each := range list {
		names = append(names, each.GetName())
	}
	return names
}
