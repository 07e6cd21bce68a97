package translate

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// conditions tell of the route at one parent, which may have refused it.
func (t *routeTranslation) conditions(refusal problems) []report.Condition {
	accepted := report.Condition{
		Type:    string(gatewayv1.RouteConditionAccepted),
		Status:  metav1.ConditionTrue,
		Reason:  string(gatewayv1.RouteReasonAccepted),
		Message: "The route is accepted.",
	}
	if len(t.ignored) > 0 {
		accepted.Message = "The route is accepted, except for " + t.ignored.message()
	}
	switch {
	case len(refusal) > 0:
		accepted.Status, accepted.Reason, accepted.Message = metav1.ConditionFalse, refusal.reason(), refusal.message()
	case t.soundRules == 0:
		accepted.Status, accepted.Reason, accepted.Message = metav1.ConditionFalse, t.invalid.reason(), t.invalid.message()
	}
	conditions := []report.Condition{accepted, t.resolvedRefs()}
	if accepted.Status == metav1.ConditionTrue && len(t.invalid) > 0 {
		conditions = append(conditions, t.partiallyInvalid())
	}
	return conditions
}

func (t *routeTranslation) resolvedRefs() report.Condition {
	c := report.Condition{
		Type:    string(gatewayv1.RouteConditionResolvedRefs),
		Status:  metav1.ConditionTrue,
		Reason:  string(gatewayv1.RouteReasonResolvedRefs),
		Message: "All references are resolved.",
	}
	if len(t.unresolved) > 0 {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, t.unresolved.reason(), t.unresolved.message()
	}
	return c
}

// partiallyInvalid tells of the rules, the matches of rules and the hostnames that are left out. The first words are
// the Gateway API's.
func (t *routeTranslation) partiallyInvalid() report.Condition {
	return report.Condition{
		Type:    report.ConditionPartiallyInvalid,
		Status:  metav1.ConditionTrue,
		Reason:  string(gatewayv1.RouteReasonUnsupportedValue),
		Message: "Dropped Rule, match or hostname (requests that a dropped rule matches are answered 500): " + t.invalid.message(),
	}
}
