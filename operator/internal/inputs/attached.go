package inputs

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Attached is what kinds have in common whose objects are attached to others: routes to their
// parents, and policies below their ancestors. The status of such an object has an entry for each.
type Attached struct {
	// To names what an entry is about: "parent", or "ancestor".
	To string
	// Conditions of an entry that the operator writes: those of them that are not reported any more are removed. Columns are
	// those that a table shows.
	Conditions, Columns []string
	// MaxEntries is how many the status can hold.
	MaxEntries int
	// Parents are the references by which an object says what it is attached to; nil for policies, whose
	// ancestors are found.
	Parents func(Object) []gatewayv1.ParentReference
	// Entries reads those of an object's status, and SetEntries replaces them.
	Entries    func(Object) []Entry
	SetEntries func(Object, []Entry)
}

// ConditionCachePolicyAffected is a condition of routes: cache policies hold for them, and which (GEP-713).
const ConditionCachePolicyAffected = "VarnishCachePolicyAffected"

// Entry of a status: what one controller says of an object at one of those that it is attached to.
type Entry struct {
	Ref            gatewayv1.ParentReference
	ControllerName gatewayv1.GatewayController
	Conditions     []metav1.Condition
}

// Limits of the Gateway API on the entries of a status (RouteStatus.parents, PolicyStatus.ancestors).
const (
	maxParents   = 32
	maxAncestors = 16
)

// attachedRoute is a kind of routes, of which the function gives the parts that all kinds have.
func attachedRoute[P Object](parts func(P) (*gatewayv1.CommonRouteSpec, *gatewayv1.RouteStatus)) *Attached {
	status := func(object Object) *gatewayv1.RouteStatus {
		_, status := parts(Preferred(object).(P))
		return status
	}
	return &Attached{
		To: "parent", MaxEntries: maxParents,
		Conditions: []string{
			string(gatewayv1.RouteConditionAccepted), string(gatewayv1.RouteConditionResolvedRefs),
			string(gatewayv1.RouteConditionPartiallyInvalid), ConditionCachePolicyAffected,
		},
		Columns: []string{string(gatewayv1.RouteConditionAccepted), string(gatewayv1.RouteConditionResolvedRefs)},
		Parents: func(object Object) []gatewayv1.ParentReference {
			spec, _ := parts(Preferred(object).(P))
			return spec.ParentRefs
		},
		Entries: func(object Object) []Entry {
			var entries []Entry
			for _, e := range status(object).Parents {
				entries = append(entries, Entry{Ref: e.ParentRef, ControllerName: e.ControllerName, Conditions: e.Conditions})
			}
			return entries
		},
		SetEntries: func(object Object, entries []Entry) {
			// The field is required: an empty list is not left out.
			list := make([]gatewayv1.RouteParentStatus, 0, len(entries))
			for _, e := range entries {
				list = append(list, gatewayv1.RouteParentStatus{ParentRef: e.Ref, ControllerName: e.ControllerName, Conditions: e.Conditions})
			}
			status(object).Parents = list
		},
	}
}

// attachedPolicy is a kind of policies, of which the function gives the status.
func attachedPolicy[P Object](status func(P) *gatewayv1.PolicyStatus) *Attached {
	return &Attached{
		To: "ancestor", MaxEntries: maxAncestors,
		Conditions: []string{string(gatewayv1.PolicyConditionAccepted)},
		Columns:    []string{string(gatewayv1.PolicyConditionAccepted)},
		Entries: func(object Object) []Entry {
			var entries []Entry
			for _, e := range status(Preferred(object).(P)).Ancestors {
				entries = append(entries, Entry{Ref: e.AncestorRef, ControllerName: e.ControllerName, Conditions: e.Conditions})
			}
			return entries
		},
		SetEntries: func(object Object, entries []Entry) {
			list := make([]gatewayv1.PolicyAncestorStatus, 0, len(entries))
			for _, e := range entries {
				list = append(list, gatewayv1.PolicyAncestorStatus{AncestorRef: e.Ref, ControllerName: e.ControllerName, Conditions: e.Conditions})
			}
			status(Preferred(object).(P)).Ancestors = list
		},
	}
}
