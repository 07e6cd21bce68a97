package status

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/policy"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// policyReport tells of a policy below Gateways of these names.
func policyReport(names ...string) report.Policy {
	r := report.Policy{Object: report.Object{Namespace: "shop", Name: "tls", Generation: 2}}
	for _, name := range names {
		r.Ancestors = append(r.Ancestors, report.Ancestor{
			AncestorRef: policy.AncestorRef(&metav1.ObjectMeta{Namespace: "shop", Name: name}),
			Conditions: []report.Condition{{
				Type: string(gatewayv1.PolicyConditionAccepted), Status: metav1.ConditionFalse, Reason: report.ReasonNotSupported, Message: "No.",
			}},
		})
	}
	return r
}

func TestAncestorsOfOtherControllersStay(t *testing.T) {
	foreign := gatewayv1.PolicyAncestorStatus{
		AncestorRef: policy.AncestorRef(&metav1.ObjectMeta{Namespace: "shop", Name: "theirs"}), ControllerName: "example.org/controller",
		Conditions: []metav1.Condition{{Type: "Accepted", Status: metav1.ConditionTrue, Reason: "Accepted"}},
	}
	before := gatewayv1.PolicyStatus{Ancestors: []gatewayv1.PolicyAncestorStatus{foreign}}
	merged, changed := Policy(before, policyReport("a", "b"), inputs.ControllerName, now)
	assert.True(t, changed)
	require.Len(t, merged.Ancestors, 3)
	assert.Equal(t, foreign, merged.Ancestors[0])
	assert.Equal(t, gatewayv1.ObjectName("b"), merged.Ancestors[2].AncestorRef.Name)
	assert.Equal(t, int64(2), merged.Ancestors[2].Conditions[0].ObservedGeneration)

	again, changed := Policy(merged, policyReport("a", "b"), inputs.ControllerName, then)
	assert.False(t, changed)
	assert.Equal(t, merged, again)

	fewer, changed := Policy(merged, policyReport("b"), inputs.ControllerName, now)
	assert.True(t, changed)
	assert.Equal(t, []gatewayv1.PolicyAncestorStatus{foreign, merged.Ancestors[2]}, fewer.Ancestors)

	cleared, changed := Policy(merged, policyReport(), inputs.ControllerName, now)
	assert.True(t, changed)
	assert.Equal(t, []gatewayv1.PolicyAncestorStatus{foreign}, cleared.Ancestors)
}

func TestAPolicyThatMattersToNobodyIsNotWritten(t *testing.T) {
	_, changed := Policy(gatewayv1.PolicyStatus{}, policyReport(), inputs.ControllerName, now)
	assert.False(t, changed)
}

func TestAncestorsEndAtTheLimit(t *testing.T) {
	var names []string
	for i := range policy.MaxAncestors + 3 {
		names = append(names, fmt.Sprintf("g%d", i))
	}
	merged, _ := Policy(gatewayv1.PolicyStatus{}, policyReport(names...), inputs.ControllerName, now)
	assert.Len(t, merged.Ancestors, policy.MaxAncestors)
}
