package translate

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/policy"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// reports tell of each policy below which Gateways it is attached, once all routes are.
func (all gateways) reports(policies []*gatewayv1.BackendTLSPolicy) []report.Policy {
	var reports []report.Policy
	for _, p := range sorted(policies) {
		r := report.Policy{Object: objectOf(p)}
		for _, g := range all.ordered {
			if inForce, matters := g.policies.Of(p); matters {
				r.Ancestors = append(r.Ancestors, report.Ancestor{
					AncestorRef: policy.AncestorRef(g.object), Conditions: []report.Condition{refusalOf(inForce)},
				})
			}
		}
		if len(r.Ancestors) > 0 {
			reports = append(reports, r)
		}
	}
	return reports
}

// refusalOf says why a policy is not carried out. None is, so that the share of the backendRefs is
// answered 500.
func refusalOf(inForce bool) report.Condition {
	c := report.Condition{
		Type:    string(gatewayv1.PolicyConditionAccepted),
		Status:  metav1.ConditionFalse,
		Reason:  report.ReasonNotSupported,
		Message: "TLS to backends is not supported. What routes would send to the targets is answered 500.",
	}
	if !inForce {
		c.Reason = string(gatewayv1.PolicyReasonConflicted)
		c.Message = "Another BackendTLSPolicy has the same targets and goes first."
	}
	return c
}
