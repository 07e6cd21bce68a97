package status

import (
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// Conditions that we write, by the object that has them.
var (
	classConditions = ownership{
		string(gatewayv1.GatewayClassConditionStatusAccepted):         true,
		string(gatewayv1.GatewayClassConditionStatusSupportedVersion): true,
	}
	gatewayConditions = ownership{
		string(gatewayv1.GatewayConditionAccepted):     true,
		string(gatewayv1.GatewayConditionProgrammed):   true,
		string(gatewayv1.GatewayConditionResolvedRefs): true,
		report.ConditionPartiallyInvalid:               true,
		report.ConditionReplicaFailure:                 true,
		report.ConditionClassMissing:                   true,
		report.ConditionDirectPass:                     true,
	}
	listenerConditions = ownership{
		string(gatewayv1.ListenerConditionAccepted):             true,
		string(gatewayv1.ListenerConditionProgrammed):           true,
		string(gatewayv1.ListenerConditionResolvedRefs):         true,
		string(gatewayv1.ListenerConditionConflicted):           true,
		string(gatewayv1.ListenerConditionOverlappingTLSConfig): true,
	}
)

// GatewayClass merges a report into the live status. The second result tells whether there is anything to
// write.
func GatewayClass(live gatewayv1.GatewayClassStatus, r report.GatewayClass, now metav1.Time) (gatewayv1.GatewayClassStatus, bool) {
	merged := live
	merged.Conditions = mergeConditions(live.Conditions, r.Conditions, r.Generation, now, classConditions)
	if !slices.Equal(live.SupportedFeatures, r.SupportedFeatures) {
		merged.SupportedFeatures = slices.Clone(r.SupportedFeatures)
	}
	return merged, !reflect.DeepEqual(live, merged)
}

// Gateway merges a report into the live status: conditions, addresses and listeners, except how many routes
// are attached, which AttachedRoutes merges. The second result tells whether there is anything to write.
func Gateway(live gatewayv1.GatewayStatus, r report.Gateway, now metav1.Time) (gatewayv1.GatewayStatus, bool) {
	merged := live
	merged.Conditions = mergeConditions(live.Conditions, r.Conditions, r.Generation, now, gatewayConditions)
	// An API server gives back an empty list as none.
	if r.Addresses != nil && len(live.Addresses)+len(r.Addresses) > 0 && !reflect.DeepEqual(live.Addresses, r.Addresses) {
		merged.Addresses = slices.Clone(r.Addresses)
	}
	merged.Listeners = make([]gatewayv1.ListenerStatus, 0, len(r.Listeners))
	for _, l := range r.Listeners {
		before := gatewayv1.ListenerStatus{Name: gatewayv1.SectionName(l.Name)}
		if i := listenerNamed(live.Listeners, l.Name); i >= 0 {
			before = live.Listeners[i]
		}
		merged.Listeners = append(merged.Listeners, mergeListener(before, l, r.Generation, now))
	}
	if len(merged.Listeners) == 0 && len(live.Listeners) == 0 {
		merged.Listeners = live.Listeners
	}
	return merged, !reflect.DeepEqual(live, merged)
}

func mergeListener(live gatewayv1.ListenerStatus, l report.Listener, generation int64, now metav1.Time) gatewayv1.ListenerStatus {
	merged := live
	merged.Conditions = mergeConditions(live.Conditions, l.Conditions, generation, now, listenerConditions)
	if live.SupportedKinds == nil || !reflect.DeepEqual(live.SupportedKinds, l.SupportedKinds) {
		merged.SupportedKinds = slices.Clone(l.SupportedKinds)
	}
	return merged
}

// Released takes away what is of our own kind, where the rest of the status is another controller's now. The second result tells
// whether there was anything.
func Released(live gatewayv1.GatewayStatus) (gatewayv1.GatewayStatus, bool) {
	released := live
	released.Conditions = slices.DeleteFunc(slices.Clone(live.Conditions), func(c metav1.Condition) bool {
		return c.Type == report.ConditionClassMissing
	})
	return released, len(released.Conditions) != len(live.Conditions)
}

// AttachedRoutes merges how many routes are attached to each listener into the live status, and nothing
// else. A listener that has no status yet is left to Gateway.
func AttachedRoutes(live gatewayv1.GatewayStatus, r report.Gateway) (gatewayv1.GatewayStatus, bool) {
	merged := live
	merged.Listeners = slices.Clone(live.Listeners)
	changed := false
	for _, l := range r.Listeners {
		i := listenerNamed(merged.Listeners, l.Name)
		if i >= 0 && merged.Listeners[i].AttachedRoutes != l.AttachedRoutes {
			merged.Listeners[i].AttachedRoutes = l.AttachedRoutes
			changed = true
		}
	}
	return merged, changed
}

func listenerNamed(listeners []gatewayv1.ListenerStatus, name string) int {
	return slices.IndexFunc(listeners, func(l gatewayv1.ListenerStatus) bool { return string(l.Name) == name })
}
