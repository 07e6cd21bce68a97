package report

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// WithReplicaFailure returns the status with the condition that says why pods are not created, or do not start; without it where that
// is nil.
func (g Gateway) WithReplicaFailure(failure *Condition) Gateway {
	g.Conditions = slices.DeleteFunc(slices.Clone(g.Conditions), func(c Condition) bool { return c.Type == ConditionReplicaFailure })
	if failure != nil {
		g.Conditions = append(g.Conditions, *failure)
	}
	return g
}

// Because returns what is known of the pods with why some are missing, where that is what is waited for.
func (p DataPlane) Because(failure *Condition) DataPlane {
	if failure == nil || p.Status != metav1.ConditionFalse || p.Reason != gatewayv1.GatewayReasonPending || p.Lags {
		return p
	}
	p.Message += " " + failure.Message
	closed := make(map[int32]string, len(p.Closed))
	for port, message := range p.Closed {
		closed[port] = message + " " + failure.Message
	}
	p.Closed = closed
	return p
}
