package translate

import (
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Kinds that references name.
const (
	kindGateway   = "Gateway"
	kindHTTPRoute = "HTTPRoute"
	kindService   = "Service"
	kindSecret    = "Secret"
)

// reference is one object that names another, perhaps in another namespace.
type reference struct {
	fromKind      gatewayv1.Kind
	fromNamespace string
	toKind        gatewayv1.Kind
	to            objectKey
}

// permits tells whether the reference stays in its namespace or a ReferenceGrant of the other one
// allows it. The referring kinds are the Gateway API's, those referred to are core ones.
func (o *objects) permits(ref reference) bool {
	if ref.fromNamespace == ref.to.namespace {
		return true
	}
	for _, grant := range o.grants[ref.to.namespace] {
		if grantsFrom(grant, ref) && grantsTo(grant, ref) {
			return true
		}
	}
	return false
}

func grantsFrom(grant *gatewayv1.ReferenceGrant, ref reference) bool {
	for _, from := range grant.Spec.From {
		if from.Group == gatewayv1.GroupName && from.Kind == ref.fromKind &&
			string(from.Namespace) == ref.fromNamespace {
			return true
		}
	}
	return false
}

func grantsTo(grant *gatewayv1.ReferenceGrant, ref reference) bool {
	for _, to := range grant.Spec.To {
		if to.Group == corev1.GroupName && to.Kind == ref.toKind &&
			(to.Name == nil || *to.Name == "" || string(*to.Name) == ref.to.name) {
			return true
		}
	}
	return false
}
