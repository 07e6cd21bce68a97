package translate

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/model"
)

// servicePort finds the TCP port of a Service that has the number; a Service may have ports of other protocols with
// the same one. The port's name is what EndpointSlices repeat.
func servicePort(at *field, service *corev1.Service, number int32) (model.Service, *problem) {
	key := objectKey{service.Namespace, service.Name}
	var other corev1.Protocol
	for _, port := range service.Spec.Ports {
		switch {
		case port.Port != number:
			continue
		case port.Protocol != "" && port.Protocol != corev1.ProtocolTCP:
			other = port.Protocol
			continue
		case !speaksHTTP(port.AppProtocol):
			return unresolved(gatewayv1.RouteReasonUnsupportedProtocol, at, ".port",
				fmt.Sprintf("port %d of Service %s speaks %s, which is not supported", number, quoted(key), *port.AppProtocol))
		}
		return model.Service{Namespace: service.Namespace, Name: service.Name, Port: number, PortName: port.Name}, nil
	}
	if other != "" {
		return unresolved(gatewayv1.RouteReasonUnsupportedProtocol, at, ".port",
			fmt.Sprintf("port %d of Service %s is %s, not TCP", number, quoted(key), other))
	}
	return unresolved(gatewayv1.RouteReasonBackendNotFound, at, ".port",
		fmt.Sprintf("Service %s has no port %d", quoted(key), number))
}

func quoted(k objectKey) string { return strconv.Quote(k.String()) }
