package gather

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	clientgoscheme "k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"

	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

func TestWhatWasMadeSaysWhoseAGatewayIs(t *testing.T) {
	gateway := gatewaytest.Gateway("shop", "edge", nil)
	made := workload.Gateway{Object: gateway, Controller: inputs.ControllerName}.Config(nil)
	changed := func(change func(*corev1.ConfigMap)) *corev1.ConfigMap {
		config := made.DeepCopy()
		change(config)
		return config
	}
	for name, c := range map[string]struct {
		config *corev1.ConfigMap
		want   bool
	}{
		"nothing was made":                {nil, false},
		"this controller made it":         {made, true},
		"another controller made it":      {changed(func(c *corev1.ConfigMap) { c.Annotations[gatewaypod.ControllerAnnotation] = "example.org/x" }), false},
		"it does not say who made it":     {changed(func(c *corev1.ConfigMap) { c.Annotations = nil }), false},
		"it is of a Gateway that is gone": {changed(func(c *corev1.ConfigMap) { c.OwnerReferences[0].UID = "gone" }), false},
	} {
		t.Run(name, func(t *testing.T) {
			builder := fake.NewClientBuilder().WithScheme(clientgoscheme.Scheme)
			if c.config != nil {
				builder.WithObjects(c.config)
			}
			got, err := (&Gatherer{Cache: builder.Build()}).made(t.Context(), gateway)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}
