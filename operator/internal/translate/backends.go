package translate

import (
	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// backendScope is where backendRefs stand.
type backendScope struct {
	at           *field
	namespace    string
	prefixesOnly bool
}

// translateBackends resolves the backendRefs of a rule. A reference that does not hold becomes a backend
// whose share is answered 500, and is told of in unresolved; a filter that cannot be carried out makes
// the whole rule invalid, and is told of in wrong.
func (t *routeTranslation) translateBackends(scope backendScope, refs []gatewayv1.HTTPBackendRef, wrong *problems) []routing.Backend {
	backends := make([]routing.Backend, 0, len(refs))
	for i := range refs {
		ref, at := &refs[i], scope.at.at(i)
		filters := at.child("filters")
		backend := routing.Backend{
			Weight: 1,
			Filters: translateFilters(filterScope{
				at: &filters, onBackend: true, prefixesOnly: scope.prefixesOnly,
			}, ref.Filters, wrong),
		}
		if ref.Weight != nil {
			backend.Weight = *ref.Weight
		}
		service, unresolved := t.resolveService(&at, scope.namespace, ref.BackendObjectReference)
		if unresolved != nil {
			backend.Invalid = unresolved.reason
			t.unresolved = append(t.unresolved, *unresolved)
		} else {
			backend.Service = service.ID
			t.addService(service)
		}
		backends = append(backends, backend)
	}
	return backends
}

// resolveService follows a backendRef to a port of a Service, and notes the policies that are
// attached to it. Whether the reference is permitted comes before whether the Service exists.
func (t *routeTranslation) resolveService(at *field, namespace string, ref gatewayv1.BackendObjectReference) (routing.Service, *problem) {
	refuse := func(reason gatewayv1.RouteConditionReason, member, message string) (routing.Service, *problem) {
		return unresolved(reason, at, member, message)
	}
	target := objectKey{namespace, string(ref.Name)}
	if ref.Namespace != nil {
		target.namespace = string(*ref.Namespace)
	}
	if (ref.Group != nil && *ref.Group != corev1.GroupName) || (ref.Kind != nil && *ref.Kind != kindService) {
		return refuse(gatewayv1.RouteReasonInvalidKind, "", "only references to Services are supported")
	}
	if !t.objects.permits(reference{
		fromKind: kindHTTPRoute, fromNamespace: namespace, toKind: kindService, to: target,
	}) {
		return refuse(gatewayv1.RouteReasonRefNotPermitted, "",
			"no ReferenceGrant permits the reference to Service "+quoted(target))
	}
	service := t.objects.services[target]
	switch {
	case service == nil:
		return refuse(gatewayv1.RouteReasonBackendNotFound, "", "Service "+quoted(target)+" does not exist")
	case service.Spec.Type == corev1.ServiceTypeExternalName:
		return refuse(gatewayv1.RouteReasonInvalidKind, "",
			"Service "+quoted(target)+" is of type ExternalName, which is not safe to forward to")
	case ref.Port == nil:
		return refuse(gatewayv1.RouteReasonBackendNotFound, ".port", "a reference to a Service needs a port")
	}
	return t.resolvePort(at, service, *ref.Port)
}

// unresolved tells of a reference that does not hold, or of a member of it.
func unresolved(reason gatewayv1.RouteConditionReason, at *field, member, message string) (routing.Service, *problem) {
	return routing.Service{}, &problem{reason: string(reason), field: at.String() + member, message: message}
}
