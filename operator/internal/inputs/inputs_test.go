package inputs_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

func TestEqualSetsOfObjectsAreEqualWhenSorted(t *testing.T) {
	a, b, c := gatewaytest.Service("x", "b", 80), gatewaytest.Service("x", "a", 80), gatewaytest.Service("a", "z", 80)
	one := inputs.Inputs{Services: []*corev1.Service{a, b, c}}
	other := inputs.Inputs{Services: []*corev1.Service{c, a, b}}
	one.Sort()
	other.Sort()
	assert.Equal(t, []*corev1.Service{c, b, a}, one.Services)
	assert.Equal(t, one, other)
}

func TestGrantsOfTheOlderVersionAreTheSame(t *testing.T) {
	old := &gatewayv1beta1.ReferenceGrant{Spec: gatewayv1beta1.ReferenceGrantSpec{
		From: []gatewayv1beta1.ReferenceGrantFrom{{Kind: "HTTPRoute", Namespace: "a"}},
	}}
	assert.Equal(t, gatewayv1.Namespace("a"), inputs.ReferenceGrantFromV1Beta1(old).Spec.From[0].Namespace)
}

func TestTheControllerNameCanBeChosen(t *testing.T) {
	assert.Equal(t, gatewayv1.GatewayController(inputs.ControllerName), inputs.Options{}.Controller())
	assert.Equal(t, gatewayv1.GatewayController("example.org/x"), inputs.Options{ControllerName: "example.org/x"}.Controller())
}
