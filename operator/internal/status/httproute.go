package status

import (
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// routeConditions are those of a route at one parent that we write.
var routeConditions = ownership{
	string(gatewayv1.RouteConditionAccepted):     true,
	string(gatewayv1.RouteConditionResolvedRefs): true,
	report.ConditionPartiallyInvalid:             true,
}

// HTTPRoute merges a report into the live status. Entries of other controllers stay where they are; ours for
// parents that are no longer reported go, so a route that the report does not hold at all is merged with a
// report that has only its Object. The second result tells whether there is anything to write.
func HTTPRoute(live gatewayv1.HTTPRouteStatus, r report.HTTPRoute, controller gatewayv1.GatewayController, now metav1.Time) (gatewayv1.HTTPRouteStatus, bool) {
	merged := make([]gatewayv1.RouteParentStatus, 0, len(live.Parents)+len(r.Parents))
	told := make([]bool, len(r.Parents))
	for _, entry := range live.Parents {
		if entry.ControllerName != controller {
			merged = append(merged, entry)
			continue
		}
		i := slices.IndexFunc(r.Parents, func(p report.Parent) bool { return sameParent(p.ParentRef, entry.ParentRef) })
		if i >= 0 && !told[i] {
			told[i] = true
			merged = append(merged, mergeParent(entry, r.Parents[i], r.Generation, now))
		}
	}
	for i, p := range r.Parents {
		if told[i] || len(merged) >= maxParents {
			continue
		}
		entry := gatewayv1.RouteParentStatus{ParentRef: *p.ParentRef.DeepCopy(), ControllerName: controller}
		merged = append(merged, mergeParent(entry, p, r.Generation, now))
	}
	if len(merged) == 0 && len(live.Parents) == 0 {
		return live, false
	}
	status := gatewayv1.HTTPRouteStatus{RouteStatus: gatewayv1.RouteStatus{Parents: merged}}
	return status, !reflect.DeepEqual(live, status)
}

func mergeParent(entry gatewayv1.RouteParentStatus, p report.Parent, generation int64, now metav1.Time) gatewayv1.RouteParentStatus {
	entry.Conditions = mergeConditions(entry.Conditions, p.Conditions, generation, now, routeConditions)
	return entry
}

// sameParent compares references by what they say, not by where it is stored.
func sameParent(a, b gatewayv1.ParentReference) bool { return reflect.DeepEqual(a, b) }
