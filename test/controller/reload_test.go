//go:build apiserver

package controller

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

const infraHash = "varnish.io/infra-hash"

// published is what a Gateway's ConfigMap and Deployment say.
type published struct {
	routing     int64
	vcl         string
	hash        string
	replicas    int32
	templateGen int64
}

func publishedBy(t *testing.T, namespace, gateway string) published {
	t.Helper()
	config := get(t, &corev1.ConfigMap{}, namespace, gatewaypod.ConfigMapName(gateway))
	deployment := get(t, &appsv1.Deployment{}, namespace, gateway)
	return published{
		routing: contract.Sequence([]byte(config.Data[routing.File])), vcl: config.Data["main.vcl"],
		hash: deployment.Spec.Template.Annotations[infraHash], replicas: *deployment.Spec.Replicas, templateGen: deployment.Generation,
	}
}

func scale(t *testing.T, namespace, gateway string, replicas int32) {
	t.Helper()
	eventually(t, "the Deployment to scale", func() error {
		deployment := &appsv1.Deployment{}
		if err := cluster.Get(t.Context(), clientKey(namespace, gateway), deployment); err != nil {
			return err
		}
		scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
		return cluster.SubResource("scale").Update(t.Context(), deployment, client.WithSubResourceBody(scale))
	})
}

// TestTheThreeReloadPaths goes through the table of reload paths: what each change writes, and what it leaves alone. The
// number of replicas, which somebody else has set, stays through all of them.
func TestTheThreeReloadPaths(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, `
apiVersion: v1
kind: ConfigMap
metadata: {name: vcl}
data: {main.vcl: "# one"}
---
apiVersion: gateway.varnish.io/v1alpha1
kind: GatewayClassParameters
metadata: {name: reload}
spec:
  vcl: {namespace: $NS, name: vcl}
  allowedOverrides: [Image, VarnishdExtraArgs, Resources, TrustedHops, PodTemplate, Service]
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: reload}
spec:
  controllerName: varnish.io/gateway-controller
  parametersRef: {group: gateway.varnish.io, kind: GatewayClassParameters, name: reload}
`)
	removeClass(t, "reload")
	gateway := func(parameters, listeners string) string {
		return strings.Replace(strings.Replace(withParameters(parameters), "gatewayClassName: varnish", "gatewayClassName: reload", 1),
			"  listeners:\n", "  listeners:\n"+listeners, 1)
	}
	apply(t, ns, gateway("{}", "")+"---"+web)
	eventually(t, "the Gateway to be published", func() error {
		config := &corev1.ConfigMap{}
		if err := cluster.Get(t.Context(), clientKey(ns, gatewaypod.ConfigMapName("edge")), config); err != nil {
			return err
		}
		if contract.Sequence([]byte(config.Data[routing.File])) == 0 {
			return errors.New("no routing yet")
		}
		return cluster.Get(t.Context(), clientKey(ns, "edge"), &appsv1.Deployment{})
	})
	scale(t, ns, "edge", 5)
	startPod(t, ns, "edge") // which says that VCL compiles

	const rolls, reloadsVCL, reloadsRouting = "rolls pods", "reloads VCL", "reloads routing"
	for _, step := range []struct {
		name    string
		change  string
		effects []string
		// seen tells of a change that has no such effect that the operator has acted on it.
		seen serviceType
	}{
		{"another route", strings.Replace(webRoute, "name: web}\nspec", "name: second}\nspec", 1), []string{reloadsRouting}, ""},
		{"user VCL", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: vcl}\ndata: {main.vcl: \"# two\"}\n", []string{reloadsVCL}, ""},
		{"a listener on a port that is open", gateway("{}", "  - {name: other, port: 80, protocol: HTTP, hostname: other.example}\n"), []string{reloadsRouting}, ""},
		{"trusted hops", gateway("{trustedHops: [10.0.0.0/8]}", ""), []string{reloadsRouting}, ""},
		{"the type of the Service", gateway("{trustedHops: [10.0.0.0/8], service: {type: ClusterIP}}", ""), nil, "ClusterIP"},
		{"the image", gateway("{trustedHops: [10.0.0.0/8], image: registry.example/gateway:2}", ""), []string{rolls}, ""},
		{"an argument of varnishd", gateway("{trustedHops: [10.0.0.0/8], image: registry.example/gateway:2, varnishdExtraArgs: [-p, default_ttl=5]}", ""), []string{rolls}, ""},
		{"resources", gateway("{trustedHops: [10.0.0.0/8], image: registry.example/gateway:2, resources: {requests: {cpu: 1}}}", ""), []string{rolls}, ""},
		{"a port", gateway("{trustedHops: [10.0.0.0/8], image: registry.example/gateway:2, resources: {requests: {cpu: 1}}}", "  - {name: more, port: 8080, protocol: HTTP}\n"), []string{rolls, reloadsRouting}, ""},
	} {
		before := publishedBy(t, ns, "edge")
		apply(t, ns, step.change)
		observed(t, ns, "edge")
		effects := func() []string {
			after := publishedBy(t, ns, "edge")
			var found []string
			if after.hash != before.hash {
				found = append(found, rolls)
			}
			if after.vcl != before.vcl {
				found = append(found, reloadsVCL)
			}
			if after.routing != before.routing {
				found = append(found, reloadsRouting)
			}
			return found
		}
		eventually(t, step.name+" to take effect", func() error {
			if err := step.seen.by(t, ns); err != nil {
				return err
			}
			if found := effects(); !assert.ObjectsAreEqual(step.effects, found) {
				return fmt.Errorf("%s: %v instead of %v", step.name, found, step.effects)
			}
			return nil
		})
		after := publishedBy(t, ns, "edge")
		assert.Equal(t, int32(5), after.replicas, step.name)
		if after.hash == before.hash {
			assert.Equal(t, before.templateGen, after.templateGen, "%s: the Deployment was written without need", step.name)
		}
	}
}

// serviceType is the type that the Service is to have; empty where it does not matter.
type serviceType corev1.ServiceType

func (want serviceType) by(t *testing.T, namespace string) error {
	if now := get(t, &corev1.Service{}, namespace, "edge").Spec.Type; want != "" && now != corev1.ServiceType(want) {
		return fmt.Errorf("the Service is of type %s", now)
	}
	return nil
}

// observed waits until the operator has looked at the Gateway's newest generation.
func observed(t *testing.T, namespace, name string) {
	t.Helper()
	eventually(t, "the Gateway to be looked at", func() error {
		gateway := get(t, &gatewayv1.Gateway{}, namespace, name)
		for _, c := range gateway.Status.Conditions {
			if c.ObservedGeneration != gateway.Generation {
				return fmt.Errorf("%s is of generation %d, not %d", c.Type, c.ObservedGeneration, gateway.Generation)
			}
		}
		return nil
	})
}

func TestParametersThatAreNotValidHoldThePodsAndNotTheRoutes(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+withParameters("{trustedHops: [10.0.0.0/8], varnishdExtraArgs: [-p, default_ttl=5]}")+"---"+web)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Accepted", "True", "", "")
	eventually(t, "the Gateway to be published", func() error {
		return cluster.Get(t.Context(), clientKey(ns, "edge"), &appsv1.Deployment{})
	})
	eventuallyRoutes(t, ns, "web")
	before := publishedBy(t, ns, "edge")

	apply(t, ns, withParameters("{varnishdExtraArgs: [-a, ':99']}"))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Accepted", "False", "InvalidParameters", "-a is not allowed")
	apply(t, ns, strings.Replace(webRoute, "name: web}\nspec", "name: second}\nspec", 1))
	eventuallyRoutes(t, ns, "second", "web")
	after := publishedBy(t, ns, "edge")
	assert.Equal(t, before.hash, after.hash)
	assert.Equal(t, before.vcl, after.vcl)
	head, err := routing.Decode([]byte(get(t, &corev1.ConfigMap{}, ns, gatewaypod.ConfigMapName("edge")).Data[routing.File]))
	require.NoError(t, err)
	assert.Equal(t, []string{"10.0.0.0/8"}, head.TrustedHops, "what is not known stays as it was")
}

// eventuallyRoutes waits until exactly these routes are published for the Gateway edge.
func eventuallyRoutes(t *testing.T, namespace string, want ...string) {
	t.Helper()
	eventually(t, "routes to be published", func() error {
		config := &corev1.ConfigMap{}
		if err := cluster.Get(t.Context(), clientKey(namespace, gatewaypod.ConfigMapName("edge")), config); err != nil {
			return err
		}
		head, err := routing.Decode([]byte(config.Data[routing.File]))
		if err != nil {
			return err
		}
		var names []string
		for _, route := range head.Routes {
			names = append(names, route.Name)
		}
		if !assert.ObjectsAreEqual(want, names) {
			return fmt.Errorf("routes are %v", names)
		}
		return nil
	})
}

func TestAMissingReferenceIsResolvedByItsOwnEvent(t *testing.T) {
	startOperator(t)
	ns, other := namespace(t), namespace(t)
	apply(t, ns, class+"---"+edge+"---"+webRoute)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "False", "BackendNotFound", "does not exist")
	apply(t, ns, webService)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "True", "", "")
	remove(t, &corev1.Service{}, ns, "web")
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "False", "BackendNotFound", "")

	apply(t, other, webService)
	apply(t, ns, strings.Replace(webRoute, "name: web, port", "name: web, namespace: "+other+", port", 1))
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "False", "RefNotPermitted", "")
	apply(t, other, `
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: grant}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: `+ns+`}]
  to: [{group: "", kind: Service}]
`)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "True", "", "")
	remove(t, &gatewayv1.ReferenceGrant{}, other, "grant")
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "False", "RefNotPermitted", "")
}

func TestACertificateThatComesLaterRollsNothing(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+`---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: varnish
  listeners:
  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]}}
`)
	listener := func() gatewayv1.ListenerStatus {
		if l := get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Listeners; len(l) > 0 {
			return l[0]
		}
		return gatewayv1.ListenerStatus{}
	}
	eventually(t, "the certificate to be missed", func() error {
		for _, c := range listener().Conditions {
			if c.Type == "ResolvedRefs" && c.Reason == "InvalidCertificateRef" {
				return nil
			}
		}
		return errors.New("not yet")
	})
	eventually(t, "the pods to be there", func() error {
		return cluster.Get(t.Context(), clientKey(ns, "edge"), &appsv1.Deployment{})
	})
	before := get(t, &appsv1.Deployment{}, ns, "edge")
	apply(t, ns, secretManifest(t, "cert"))
	eventually(t, "the certificate to be passed on", func() error {
		if n := len(get(t, &corev1.Secret{}, ns, gatewaypod.CertificatesSecretName("edge")).Data); n != 3 {
			return fmt.Errorf("%d keys", n)
		}
		return nil
	})
	eventually(t, "the certificate to be found", func() error {
		for _, c := range listener().Conditions {
			if c.Type == "ResolvedRefs" && c.Status == "True" {
				return nil
			}
		}
		return errors.New("not yet")
	})
	remove(t, &corev1.Secret{}, ns, "cert")
	eventually(t, "the certificate to be withdrawn", func() error {
		if n := len(get(t, &corev1.Secret{}, ns, gatewaypod.CertificatesSecretName("edge")).Data); n != 0 {
			return fmt.Errorf("%d keys", n)
		}
		return nil
	})
	assert.Equal(t, before.Generation, get(t, &appsv1.Deployment{}, ns, "edge").Generation)
}

func TestParametersThatAreNotValidHoldNoKeysBack(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	https := func(parameters string) string {
		return strings.Replace(withParameters(parameters), "  - {name: http, port: 80, protocol: HTTP,",
			"  - {name: https, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: cert}]},", 1)
	}
	keys := func(want int) {
		eventually(t, fmt.Sprintf("%d keys with the pods", want), func() error {
			secret := &corev1.Secret{}
			if err := cluster.Get(t.Context(), clientKey(ns, gatewaypod.CertificatesSecretName("edge")), secret); err != nil {
				return err
			}
			if n := len(secret.Data); n != want {
				return fmt.Errorf("%d keys", n)
			}
			return nil
		})
	}
	apply(t, ns, class+"---"+https("{}")+"---\n"+secretManifest(t, "cert"))
	keys(3)
	apply(t, ns, https("{varnishdExtraArgs: [-a, ':99']}"))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Accepted", "False", "InvalidParameters", "-a is not allowed")
	remove(t, &corev1.Secret{}, ns, "cert")
	keys(0)
	apply(t, ns, secretManifest(t, "cert"))
	keys(3)
}
