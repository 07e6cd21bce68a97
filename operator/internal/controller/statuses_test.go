package controller

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestStatusesAreTheSameWhateverTheTime(t *testing.T) {
	digest := func(message string, at time.Time) string {
		gateway := &gatewayv1.Gateway{}
		gateway.Status.Conditions = []metav1.Condition{{Type: "Programmed", Message: message, LastTransitionTime: metav1.NewTime(at)}}
		gateway.Status.Listeners = []gatewayv1.ListenerStatus{{Name: "http", Conditions: gateway.Status.Conditions}}
		digest, err := statusDigest(gateway)
		require.NoError(t, err)
		return digest
	}
	first := time.Unix(1_800_000_000, 0)
	assert.Equal(t, digest("a", first), digest("a", first.Add(time.Hour)))
	assert.NotEqual(t, digest("a", first), digest("b", first))
}
