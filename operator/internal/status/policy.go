package status

import (
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/policy"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// policyConditions are those of a policy below one ancestor that we write.
var policyConditions = ownership{string(gatewayv1.PolicyConditionAccepted): true}

// Policy merges a report into the live status of an attached policy, as HTTPRoute does it for
// routes: entries of other controllers stay where they are, and ours for ancestors that are no
// longer reported go.
func Policy(live gatewayv1.PolicyStatus, r report.Policy, controller gatewayv1.GatewayController, now metav1.Time) (gatewayv1.PolicyStatus, bool) {
	merged := make([]gatewayv1.PolicyAncestorStatus, 0, len(live.Ancestors)+len(r.Ancestors))
	done := make([]bool, len(r.Ancestors))
	merge := func(entry gatewayv1.PolicyAncestorStatus, reported report.Ancestor) {
		entry.Conditions = mergeConditions(entry.Conditions, reported.Conditions, r.Generation, now, policyConditions)
		merged = append(merged, entry)
	}
	for _, entry := range live.Ancestors {
		if entry.ControllerName != controller {
			merged = append(merged, entry)
			continue
		}
		i := slices.IndexFunc(r.Ancestors, func(a report.Ancestor) bool { return sameParent(a.AncestorRef, entry.AncestorRef) })
		if i >= 0 && !done[i] {
			done[i] = true
			merge(entry, r.Ancestors[i])
		}
	}
	for i, each := range r.Ancestors {
		if !done[i] && len(merged) < policy.MaxAncestors {
			merge(gatewayv1.PolicyAncestorStatus{AncestorRef: *each.AncestorRef.DeepCopy(), ControllerName: controller}, each)
		}
	}
	if len(merged) == 0 && len(live.Ancestors) == 0 {
		return live, false
	}
	next := gatewayv1.PolicyStatus{Ancestors: merged}
	return next, !reflect.DeepEqual(live, next)
}
