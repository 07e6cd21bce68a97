package e2e

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/echo"
)

// classWithParameters is the class "varnish" up to the specification of its parameters, which is to follow.
const classWithParameters = `apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: varnish}
spec:
  controllerName: varnish.io/gateway-controller
  parametersRef: {group: gateway.varnish.io, kind: GatewayClassParameters, name: class}
---
apiVersion: gateway.varnish.io/v1alpha1
kind: GatewayClassParameters
metadata: {name: class}
spec:
`

// plainGateway has one listener of each kind.
const plainGateway = `apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: web}
spec:
  gatewayClassName: varnish
  listeners:
  - {name: http, port: {HTTP}, protocol: HTTP}
  - {name: https, port: {HTTPS}, protocol: HTTPS, tls: {certificateRefs: [{name: certificate}]}}
`

// route is an HTTPRoute of the Gateway "web" with rules in YAML.
func route(name, host, rules string) string {
	hostnames := ""
	if host != "" {
		hostnames = "\n  hostnames: [" + host + "]"
	}
	return fmt.Sprintf(`apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: %s}
spec:
  parentRefs: [{name: web}]%s
  rules:
%s
`, name, hostnames, rules)
}

// service is one with the endpoints given by port on the loopback.
func service(name string, ports ...int) string {
	var slices strings.Builder
	for i, port := range ports {
		fmt.Fprintf(&slices, `---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: %s-%d, labels: {kubernetes.io/service-name: %s}}
addressType: IPv4
endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}}]
ports: [{name: http, port: %d}]
`, name, i, name, port)
	}
	return fmt.Sprintf(`apiVersion: v1
kind: Service
metadata: {name: %s}
spec: {ports: [{name: http, port: 80}]}
%s`, name, slices.String())
}

// backend is an example service with one pod.
type backend struct {
	port int
	stop func()
}

// startBackend runs a service until the test ends or it is stopped.
func startBackend(t *testing.T, name string) *backend {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- echo.Serve(ctx, l, echo.Options{Service: name, Pod: l.Addr().String()}) }()
	stopped := false
	b := &backend{port: l.Addr().(*net.TCPAddr).Port}
	b.stop = func() {
		if !stopped {
			stopped = true
			cancel()
			<-served
		}
	}
	t.Cleanup(b.stop)
	return b
}
