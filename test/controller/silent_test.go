//go:build apiserver

package controller

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/api/meta"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// A pod that cannot be asked has the operator go by what the status says already. That status also has a part of our own
// making, of the listener that cannot serve, and must not be made into a longer one.
func TestAStatusDoesNotFeedItself(t *testing.T) {
	first := startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: missing}]}}\n---"+web)
	pod := startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.22")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "1 of 2 listeners serve. ")
	first.idle(t)
	first.stop(t)
	programmed := func() string {
		c := meta.FindStatusCondition(get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Conditions, "Programmed")
		require.NotNil(t, c)
		return c.Message
	}
	message := programmed()
	pod.silence()

	second, tr := startCounted(t)
	second.idle(t)
	tr.settle(t)
	_, _, _, written := tr.most()
	assert.Zero(t, written, tr.report())
	assert.Equal(t, message, programmed())

	tr.begin()
	eventually(t, "the Gateway to be annotated", func() error {
		gateway := get(t, &gatewayv1.Gateway{}, ns, "edge")
		gateway.Annotations = map[string]string{"poke": "1"}
		return cluster.Update(t.Context(), gateway)
	})
	tr.settle(t)
	_, _, _, written = tr.most()
	assert.Zero(t, written, tr.report())
	assert.Equal(t, message, programmed())
}
