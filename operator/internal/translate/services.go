package translate

import (
	"fmt"
	"strconv"

	corev1 "k8s.io/api/core/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/model"
)

// otherProtocols are the values of appProtocol that name something which is not spoken to backends. The
// first three are Kubernetes' own (KEP-3726), the others IANA's. What is not listed is taken for HTTP:
// appProtocol is free text.
var otherProtocols = map[string]bool{
	"kubernetes.io/h2c": true,
	"kubernetes.io/ws":  true,
	"kubernetes.io/wss": true,
	"https":             true,
	"tls":               true,
	"grpc":              true,
	"h2c":               true,
	"http2":             true,
}

// servicePort finds the port of a Service by its number. Its name is what EndpointSlices repeat.
func servicePort(at *field, service *corev1.Service, number int32) (model.Service, *problem) {
	key := objectKey{service.Namespace, service.Name}
	for _, port := range service.Spec.Ports {
		if port.Port != number {
			continue
		}
		switch {
		case port.Protocol != "" && port.Protocol != corev1.ProtocolTCP:
			return unresolved(gatewayv1.RouteReasonUnsupportedProtocol, at, ".port",
				fmt.Sprintf("port %d of Service %s is %s, not TCP", number, quoted(key), port.Protocol))
		case port.AppProtocol != nil && otherProtocols[*port.AppProtocol]:
			return unresolved(gatewayv1.RouteReasonUnsupportedProtocol, at, ".port",
				fmt.Sprintf("port %d of Service %s speaks %s, which is not supported", number, quoted(key), *port.AppProtocol))
		}
		return model.Service{Namespace: service.Namespace, Name: service.Name, Port: number, PortName: port.Name}, nil
	}
	return unresolved(gatewayv1.RouteReasonBackendNotFound, at, ".port",
		fmt.Sprintf("Service %s has no port %d", quoted(key), number))
}

func quoted(k objectKey) string { return strconv.Quote(k.String()) }
