package invalidation

import (
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Named are the Gateways that a route names and that may serve it: all but those of which our
// status says that they do not let in routes of its namespace. One that does not accept the route
// at the moment may have cached its answers before.
func Named(route *gatewayv1.HTTPRoute, controller gatewayv1.GatewayController) []types.NamespacedName {
	var named []types.NamespacedName
	for _, ref := range route.Spec.ParentRefs {
		isGateway := (ref.Group == nil || *ref.Group == gatewayv1.GroupName) && (ref.Kind == nil || *ref.Kind == "Gateway")
		if !isGateway || isKeptOut(route, ref, controller) {
			continue
		}
		key := types.NamespacedName{Namespace: route.Namespace, Name: string(ref.Name)}
		if ref.Namespace != nil {
			key.Namespace = string(*ref.Namespace)
		}
		if !slices.Contains(named, key) {
			named = append(named, key)
		}
	}
	return named
}

func isKeptOut(route *gatewayv1.HTTPRoute, ref gatewayv1.ParentReference, controller gatewayv1.GatewayController) bool {
	return slices.ContainsFunc(route.Status.Parents, func(p gatewayv1.RouteParentStatus) bool {
		if p.ControllerName != controller || !reflect.DeepEqual(p.ParentRef, ref) {
			return false
		}
		accepted := meta.FindStatusCondition(p.Conditions, string(gatewayv1.RouteConditionAccepted))
		return accepted != nil && accepted.ObservedGeneration == route.Generation &&
			accepted.Reason == string(gatewayv1.RouteReasonNotAllowedByListeners)
	})
}
