//go:build apiserver

package controller

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/test/certificate"
)

// programmedRecord is every status that Programmed has had, of a Gateway and of its listeners, in the order of its changes.
type programmedRecord struct {
	mu     sync.Mutex
	last   map[string]metav1.ConditionStatus
	states []string
	halt   func()
}

// recordProgrammed begins with what is there now.
func recordProgrammed(t *testing.T, namespace, name string) *programmedRecord {
	t.Helper()
	watch, err := cluster.Watch(t.Context(), &gatewayv1.GatewayList{}, inNamespace(namespace), named(name))
	require.NoError(t, err)
	r := &programmedRecord{last: map[string]metav1.ConditionStatus{}}
	ended := make(chan struct{})
	first := make(chan struct{})
	go func() {
		defer close(ended)
		seen := false
		for event := range watch.ResultChan() {
			if gateway, ok := event.Object.(*gatewayv1.Gateway); ok {
				r.note(gateway)
				if !seen {
					seen = true
					close(first)
				}
			}
		}
	}()
	<-first
	r.halt = sync.OnceFunc(func() {
		watch.Stop()
		<-ended
	})
	t.Cleanup(r.halt)
	return r
}

func (r *programmedRecord) note(gateway *gatewayv1.Gateway) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.noteOne("Gateway", gateway.Status.Conditions)
	for _, l := range gateway.Status.Listeners {
		r.noteOne(string(l.Name), l.Conditions)
	}
}

func (r *programmedRecord) noteOne(of string, conditions []metav1.Condition) {
	c := meta.FindStatusCondition(conditions, "Programmed")
	if c == nil || r.last[of] == c.Status {
		return
	}
	r.last[of] = c.Status
	r.states = append(r.states, of+" "+string(c.Status))
}

// stop ends the record, and returns it: "Gateway True", "http False".
func (r *programmedRecord) stop() []string {
	r.halt()
	return r.states
}

// programmedNow is nil where a Gateway and all its listeners are programmed as they are specified now.
func programmedNow(gateway *gatewayv1.Gateway) error {
	conditions := map[string][]metav1.Condition{"Gateway": gateway.Status.Conditions}
	for _, l := range gateway.Status.Listeners {
		conditions[string(l.Name)] = l.Conditions
	}
	for of, list := range conditions {
		c := meta.FindStatusCondition(list, "Programmed")
		if c == nil || c.Status != metav1.ConditionTrue || c.ObservedGeneration != gateway.Generation {
			return fmt.Errorf("%s at generation %d: %+v", of, gateway.Generation, c)
		}
	}
	return nil
}

// giveCertificate makes a Secret with a new key pair, or puts one in the place of what it has.
func giveCertificate(t *testing.T, namespace, name string) {
	t.Helper()
	pair, err := certificate.SelfSigned("a.example")
	require.NoError(t, err)
	eventually(t, "the Secret to be written", func() error {
		secret := &corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Type: corev1.SecretTypeTLS,
			Data: map[string][]byte{"tls.crt": pair.Certificate, "tls.key": pair.Key},
		}
		if err := cluster.Create(t.Context(), secret); !apierrors.IsAlreadyExists(err) {
			return err
		}
		return cluster.Update(t.Context(), secret)
	})
}

func sorted(list []string) []string { return slices.Sorted(slices.Values(list)) }

// TestProgrammedDoesNotFlap records every status of Programmed while a Gateway that serves is changed as it is in normal operation.
func TestProgrammedDoesNotFlap(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	giveCertificate(t, ns, "site")
	const secure = "  - {name: https, port: 443, protocol: HTTPS, allowedRoutes: {namespaces: {from: All}}, tls: {certificateRefs: [{name: site}]}}\n"
	withVCL(t, ns, "sub vcl_recv { }")
	gateway := strings.Replace(edgeWith(secure), "gatewayClassName: varnish", "gatewayClassName: "+ns, 1)
	apply(t, ns, gateway)
	eventually(t, "the Deployment to have both sockets", func() error {
		deployment := &appsv1.Deployment{}
		if err := cluster.Get(t.Context(), clientKey(ns, "edge"), deployment); err != nil {
			return err
		}
		if args := deployment.Spec.Template.Spec.Containers[0].Args; !slices.Contains(args, "--listen=https-443") {
			return fmt.Errorf("its arguments are %q", args)
		}
		return nil
	})
	pod := startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.52")
	current := func() {
		t.Helper()
		eventually(t, "this generation to be programmed", func() error {
			return programmedNow(get(t, &gatewayv1.Gateway{}, ns, "edge"))
		})
	}
	current()
	record := recordProgrammed(t, ns, "edge")
	for _, change := range []struct {
		what string
		make func()
	}{
		{"a route is added", func() {
			apply(t, ns, strings.Replace(webRoute, "name: web}", "name: more}", 1))
			eventuallyCondition(t, ofRoute(t, ns, "more"), "Accepted", "True", "", "")
		}},
		{"a hostname of a listener changes", func() {
			apply(t, ns, strings.Replace(gateway, "port: 80,", "port: 80, hostname: example.org,", 1))
		}},
		{"a certificate is rotated", func() { giveCertificate(t, ns, "site") }},
		{"VCL changes", func() {
			apply(t, ns, userVCL("sub vcl_recv { set req.url = req.url; }"))
			eventually(t, "the VCL to be published", func() error {
				if !strings.Contains(publishedVCL(t, ns), "set req.url = req.url;") {
					return errors.New("not yet")
				}
				return nil
			})
		}},
		{"an endpoint changes", func() {
			applySlice(t, ns, "10.0.0.1")
			pod.takesEndpoints(t)
			applySlice(t, ns, "10.0.0.1", "10.0.0.2")
			pod.takesEndpoints(t)
		}},
		{"a port of a backend changes", func() {
			apply(t, ns, strings.Replace(webService, "name: http, port: 80", "name: other, port: 80", 1))
			eventually(t, "the port to be published", func() error {
				config, err := wholeRouting(t, ns)
				if err == nil && config.Services[0].PortName != "other" {
					err = errors.New("not yet")
				}
				return err
			})
		}},
		{"a replica is added", func() { startPod(t, ns, "edge") }},
		{"a replica is removed", func() { remove(t, &corev1.Pod{}, ns, pod.name) }},
	} {
		t.Log(change.what)
		change.make()
		current()
	}
	assert.ElementsMatch(t, []string{"Gateway True", "http True", "https True"}, record.stop(), "nothing goes to False and back")
}

// applySlice gives the Service web these endpoints.
func applySlice(t *testing.T, namespace string, addresses ...string) {
	t.Helper()
	apply(t, namespace, fmt.Sprintf(`
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [{addresses: [%s]}]
`, strings.Join(addresses, "]}, {addresses: [")))
}
