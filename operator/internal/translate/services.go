package translate

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// servicePort finds the TCP port of a Service that has the number, or nil; a Service may have ports
// of other protocols with the same one. The port's name is what EndpointSlices repeat.
func servicePort(service *corev1.Service, number int32) (port *corev1.ServicePort, other corev1.Protocol) {
	for i := range service.Spec.Ports {
		switch port := &service.Spec.Ports[i]; {
		case port.Port != number:
		case port.Protocol == "" || port.Protocol == corev1.ProtocolTCP:
			return port, ""
		default:
			other = port.Protocol
		}
	}
	return nil, other
}

// resolvePort says whether a port of a Service can be spoken to. Policies come first: they say what
// is to be spoken to the port whatever the Service says of itself.
func (t *routeTranslation) resolvePort(at *field, service *corev1.Service, number int32) (routing.Service, *problem) {
	key := objectKey{service.Namespace, service.Name}
	port, other := servicePort(service, number)
	refuse := func(reason gatewayv1.RouteConditionReason, format string, args ...any) (routing.Service, *problem) {
		return unresolved(reason, at, ".port", fmt.Sprintf(format, args...))
	}
	t.missBackendTLS(service)
	switch {
	case port == nil && other != "":
		return refuse(gatewayv1.RouteReasonUnsupportedProtocol, "port %d of Service %s is %s, not TCP", number, quoted(key), other)
	case port == nil:
		return refuse(gatewayv1.RouteReasonBackendNotFound, "Service %s has no port %d", quoted(key), number)
	}
	if p := t.backendTLSPolicy(service, port); p != nil {
		return refuse(gatewayv1.RouteReasonUnsupportedProtocol,
			"BackendTLSPolicy %s asks for TLS to port %d of Service %s, which is not supported",
			quoted(objectKey{p.Namespace, p.Name}), number, quoted(key))
	}
	if !speaksHTTP(port.AppProtocol) {
		return refuse(gatewayv1.RouteReasonUnsupportedProtocol,
			"port %d of Service %s speaks %s, which is not supported", number, quoted(key), *port.AppProtocol)
	}
	return routing.Service{
		ID:        fmt.Sprintf("%s/%s:%d", service.Namespace, service.Name, number),
		Namespace: service.Namespace, Name: service.Name, Port: number, PortName: port.Name,
	}, nil
}

func quoted(k objectKey) string { return strconv.Quote(k.String()) }
