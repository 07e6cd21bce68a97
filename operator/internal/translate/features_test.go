package translate

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

func TestFeaturesAreSortedAndFit(t *testing.T) {
	list := SupportedFeatures(inputs.Options{})
	assert.LessOrEqual(t, len(list), 64)
	assert.True(t, slices.IsSortedFunc(list, func(a, b gatewayv1.SupportedFeature) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	}), "sorted, and each once")
}

func TestWhatIsNotInstalledIsNotClaimed(t *testing.T) {
	grants := gatewayv1.SupportedFeature{Name: "ReferenceGrant"}
	assert.Contains(t, SupportedFeatures(inputs.Options{}), grants)
	definitions := []inputs.Definition{{Resource: "gateways"}}
	assert.NotContains(t, SupportedFeatures(inputs.Options{Definitions: definitions}), grants)
	definitions = append(definitions, inputs.Definition{Resource: "referencegrants"})
	assert.Contains(t, SupportedFeatures(inputs.Options{Definitions: definitions}), grants)
}
