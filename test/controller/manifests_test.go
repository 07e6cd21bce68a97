//go:build apiserver

package controller

import (
	"fmt"

	"sigs.k8s.io/controller-runtime/pkg/client"
)

// class is the GatewayClass of every test that needs no other.
const class = `
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: varnish}
spec: {controllerName: varnish.io/gateway-controller}
`

// edge is a Gateway with one listener.
const edge = `
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: varnish
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
`

// web is a Service with its route.
const web = webService + webRoute

const webService = `
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {ports: [{name: http, port: 80}]}
---
`

const webRoute = `
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web}
spec:
  parentRefs: [{name: edge}]
  rules:
  - backendRefs: [{name: web, port: 80}]
`

// parameters for the Gateway edge, and edge with them.
func withParameters(spec string) string {
	return fmt.Sprintf(`
apiVersion: gateway.varnish.io/v1alpha1
kind: GatewayParameters
metadata: {name: edge}
spec: %s
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: varnish
  infrastructure:
    parametersRef: {group: gateway.varnish.io, kind: GatewayParameters, name: edge}
  listeners:
  - {name: http, port: 80, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}
`, spec)
}

func clientKey(namespace, name string) client.ObjectKey {
	return client.ObjectKey{Namespace: namespace, Name: name}
}

func inNamespace(namespace string) client.ListOption { return client.InNamespace(namespace) }

func named(name string) client.ListOption { return client.MatchingFields{"metadata.name": name} }

// managed are our objects.
var managed = client.MatchingLabels{"app.kubernetes.io/managed-by": "varnish-gateway"}
