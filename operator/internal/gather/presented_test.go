package gather

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// An operator that has just started knows what Gateways present from the Secrets that are theirs.
func TestWhatAGatewayPresentsIsReadFromItsOwnSecret(t *testing.T) {
	generated := func(gateway string, owner types.UID) *corev1.Secret {
		return &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{
				Namespace: "shop", Name: workload.NamesOf(gateway).Certificates,
				OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Gateway", Name: gateway, UID: owner, Controller: ptr.To(true)}},
			},
			Data: map[string][]byte{"a.crt": []byte(gateway)},
		}
	}
	gateway := func(name string, listener gatewayv1.Listener) *gatewayv1.Gateway {
		return gatewaytest.Gateway("shop", name, []gatewayv1.Listener{listener})
	}
	secure := https("https", gatewayv1.SecretObjectReference{Name: "x"})
	in := inputs.Inputs{Gateways: []*gatewayv1.Gateway{
		gateway("edge", secure), gateway("new", secure), gateway("renewed", secure), gateway("plain", gatewaytest.HTTPListener("http", 80)),
	}}
	cluster := fake.NewClientBuilder().WithScheme(clientgoscheme.Scheme).WithObjects(
		generated("edge", in.Gateways[0].UID), generated("renewed", "one-that-is-gone"), generated("plain", in.Gateways[3].UID),
	).Build()
	g := &Gatherer{Own: &Contents{Cache: cluster, Live: cluster}}
	require.NoError(t, g.presented(t.Context(), &in))
	assert.Equal(t, map[string]map[string][]byte{"shop/edge": {"a.crt": []byte("edge")}}, in.Presented)
}
