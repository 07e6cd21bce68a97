//go:build apiserver

package controller

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// fault is something that happens to a Gateway that serves. After it, the operator comes to rest.
type fault struct {
	name string
	// do makes it happen in the namespace, where the Gateway edge is programmed; the traffic is the operator's.
	do func(t *testing.T, ns string, tr *traffic)
	// healed is nil once what the operator is to do is done; a nil function is for what it does not answer.
	healed func(t *testing.T, ns string) error
	// reads and writes are how often the operator may read or write any one object until it rests.
	reads, writes int
}

// overwrite changes an object of the Gateway by hand.
func overwrite[T client.Object](empty func() T, name string, change func(T)) func(*testing.T, string, *traffic) {
	return func(t *testing.T, ns string, _ *traffic) {
		t.Helper()
		eventually(t, "an object to be changed by hand", func() error {
			object := get(t, empty(), ns, name)
			change(object)
			return cluster.Update(t.Context(), object)
		})
	}
}

// madeOf are the objects of the Gateway edge that people see, and whose labels they may change.
var madeOf = map[string]func() client.Object{
	"Service":    func() client.Object { return &corev1.Service{ObjectMeta: objectMeta("", "edge")} },
	"Deployment": func() client.Object { return &appsv1.Deployment{ObjectMeta: objectMeta("", "edge")} },
	"ConfigMap": func() client.Object {
		return &corev1.ConfigMap{ObjectMeta: objectMeta("", gatewaypod.ConfigMapName("edge"))}
	},
	"Secret": func() client.Object {
		return &corev1.Secret{ObjectMeta: objectMeta("", gatewaypod.AdminSecretName("edge"))}
	},
	"ServiceAccount": func() client.Object {
		return &corev1.ServiceAccount{ObjectMeta: objectMeta("", gatewaypod.AccountName("edge"))}
	},
	"Role": func() client.Object { return &rbacv1.Role{ObjectMeta: objectMeta("", gatewaypod.AccountName("edge"))} },
	"RoleBinding": func() client.Object {
		return &rbacv1.RoleBinding{ObjectMeta: objectMeta("", gatewaypod.AccountName("edge"))}
	},
	"PodDisruptionBudget": func() client.Object {
		return &policyv1.PodDisruptionBudget{ObjectMeta: objectMeta("", gatewaypod.AccountName("edge"))}
	},
}

// relabel changes the labels of every object of the Gateway by hand.
func relabel(change func(client.Object)) func(*testing.T, string, *traffic) {
	return func(t *testing.T, ns string, tr *traffic) {
		t.Helper()
		for _, empty := range madeOf {
			overwrite(empty, empty().GetName(), change)(t, ns, tr)
		}
	}
}

// labelled tells which object of the Gateway does not have our labels.
func labelled(t *testing.T, ns string) error {
	for kind, empty := range madeOf {
		labels := get(t, empty(), ns, empty().GetName()).GetLabels()
		if labels["app.kubernetes.io/managed-by"] != "varnish-gateway" || labels["gateway.varnish.io/owner"] == "" {
			return fmt.Errorf("labels of the %s are %v", kind, labels)
		}
	}
	return nil
}

// tells is nil where conditions say this.
func tells(read func() ([]metav1.Condition, error), kind string, status metav1.ConditionStatus, message string) error {
	conditions, err := read()
	if err != nil {
		return err
	}
	if c := meta.FindStatusCondition(conditions, kind); c == nil || c.Status != status || !strings.Contains(c.Message, message) {
		return fmt.Errorf("%s is %+v", kind, c)
	}
	return nil
}

// faults that an operator comes to rest after. Whoever mends another one adds a row.
func faults() []fault {
	return []fault{
		{"nothing", func(*testing.T, string, *traffic) {}, nil, 0, 0},
		{
			"the port of the Service is edited",
			overwrite(func() *corev1.Service { return &corev1.Service{} }, "edge", func(s *corev1.Service) { s.Spec.Ports[0].Port = 81 }),
			func(t *testing.T, ns string) error {
				if ports := get(t, &corev1.Service{}, ns, "edge").Spec.Ports; len(ports) != 1 || ports[0].Port != 80 {
					return fmt.Errorf("the ports are %v", ports)
				}
				return nil
			}, 1, 3,
		},
		{
			"the selector of the Service is edited",
			overwrite(func() *corev1.Service { return &corev1.Service{} }, "edge", func(s *corev1.Service) { s.Spec.Selector["version"] = "v2" }),
			func(t *testing.T, ns string) error {
				if selector := get(t, &corev1.Service{}, ns, "edge").Spec.Selector; len(selector) != 2 {
					return fmt.Errorf("the selector is %v", selector)
				}
				return nil
			}, 1, 1,
		},
		{"the ServiceAccount is deleted", func(t *testing.T, ns string, _ *traffic) {
			remove(t, &corev1.ServiceAccount{}, ns, gatewaypod.AccountName("edge"))
		}, func(t *testing.T, ns string) error {
			return cluster.Get(t.Context(), clientKey(ns, gatewaypod.AccountName("edge")), &corev1.ServiceAccount{})
		}, 6, 2},
		{"the status is wiped out", func(t *testing.T, ns string, _ *traffic) {
			eventually(t, "the status to be wiped out", func() error {
				gateway := get(t, &gatewayv1.Gateway{}, ns, "edge")
				gateway.Status.Conditions, gateway.Status.Listeners = nil, nil
				return cluster.Status().Update(t.Context(), gateway)
			})
		}, func(t *testing.T, ns string) error {
			if l := get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Listeners; len(l) != 1 || l[0].AttachedRoutes != 1 {
				return errors.New("it is not there again")
			}
			return nil
		}, 6, 4},
		{
			"the Deployment loses its ownerReference, and is somebody else's",
			overwrite(func() *appsv1.Deployment { return &appsv1.Deployment{} }, "edge", func(d *appsv1.Deployment) { d.OwnerReferences = nil }),
			func(t *testing.T, ns string) error {
				conditions, err := ofGateway(t, ns, "edge")()
				if c := meta.FindStatusCondition(conditions, "Programmed"); err == nil && (c == nil || c.Status != "False") {
					err = errors.New("it is not told")
				}
				return err
			}, 6, 2,
		},
		{"a Secret of somebody else's is in the way", func(t *testing.T, ns string, tr *traffic) {
			name := gatewaypod.AdminSecretName("edge")
			// Server-side apply knows no "only where there is none": what comes between a look and a write becomes ours.
			tr.refusing(func(c call) bool { return c.resource == "secrets" && c.name == name })
			eventually(t, "a Secret to be put in the place of ours", func() error {
				if err := client.IgnoreNotFound(cluster.Delete(t.Context(), &corev1.Secret{ObjectMeta: objectMeta(ns, name)})); err != nil {
					return err
				}
				return cluster.Create(t.Context(), &corev1.Secret{ObjectMeta: objectMeta(ns, name), StringData: map[string]string{"theirs": "x"}})
			})
			tr.refusing(nil)
		}, func(t *testing.T, ns string) error {
			return tells(ofGateway(t, ns, "edge"), "Programmed", "False", "Secret "+gatewaypod.AdminSecretName("edge")+" exists and does not belong to this Gateway")
		}, 6, 3},
		{"a Secret cannot be read", func(t *testing.T, ns string, tr *traffic) {
			tr.refusing(func(c call) bool { return !c.write && c.resource == "secrets" && c.name == "cert" })
			apply(t, ns, selfSigned(t).Secret("cert"))
			eventually(t, "a listener to be added", func() error {
				gateway, from := get(t, &gatewayv1.Gateway{}, ns, "edge"), gatewayv1.NamespacesFromAll
				gateway.Spec.Listeners = append(gateway.Spec.Listeners, gatewayv1.Listener{
					Name: "https", Port: 443, Protocol: gatewayv1.HTTPSProtocolType,
					TLS:           &gatewayv1.ListenerTLSConfig{CertificateRefs: []gatewayv1.SecretObjectReference{{Name: "cert"}}},
					AllowedRoutes: &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &from}},
				})
				return cluster.Update(t.Context(), gateway)
			})
		}, func(t *testing.T, ns string) error {
			return tells(ofListener(t, ns, "edge", "https"), "ResolvedRefs", "False", "cannot be read")
		}, 5, 3},
		{"the class is gone", func(t *testing.T, ns string, _ *traffic) {
			remove(t, &gatewayv1.GatewayClass{}, "", ns)
		}, nil, 4, 3},
		{"app.kubernetes.io/managed-by is overwritten everywhere", relabel(func(o client.Object) {
			labels := o.GetLabels()
			labels["app.kubernetes.io/managed-by"] = "somebody"
			o.SetLabels(labels)
		}), labelled, 6, 2},
		{"every annotation is taken away everywhere", relabel(func(o client.Object) { o.SetAnnotations(nil) }), func(t *testing.T, ns string) error {
			for kind, empty := range madeOf {
				annotations := get(t, empty(), ns, empty().GetName()).GetAnnotations()
				if annotations[gatewaypod.ControllerAnnotation] == "" || annotations["gateway.varnish.io/applied"] == "" {
					return fmt.Errorf("annotations of the %s are %v", kind, annotations)
				}
			}
			return nil
		}, 6, 2},
		{
			"the Deployment says that another controller made it",
			overwrite(func() *appsv1.Deployment { return &appsv1.Deployment{} }, "edge", func(d *appsv1.Deployment) {
				d.Annotations[gatewaypod.ControllerAnnotation] = "example.org/other"
			}),
			func(t *testing.T, ns string) error {
				return tells(ofGateway(t, ns, "edge"), "Programmed", "False", "was made by the controller example.org/other, and is left to it")
			}, 6, 2,
		},
		{"objects are invalidated", func(t *testing.T, ns string, _ *traffic) {
			invalidate(t, ns, "all", "all: true")
		}, func(t *testing.T, ns string) error {
			return tells(ofInvalidation(t, ns, "all"), "Complete", "True", "1 of 1 pods")
		}, 1, 1},
		{"the status of an invalidation is wiped out", func(t *testing.T, ns string, _ *traffic) {
			invalidate(t, ns, "all", "all: true")
			eventuallyCondition(t, ofInvalidation(t, ns, "all"), "Complete", "True", "", "")
			eventually(t, "the status to be wiped out", func() error {
				object := get(t, invalidationObject(), ns, "all")
				unstructured.RemoveNestedField(object.Object, "status")
				return cluster.Status().Update(t.Context(), object)
			})
		}, func(t *testing.T, ns string) error {
			return tells(ofInvalidation(t, ns, "all"), "Complete", "True", "1 of 1 pods")
		}, 2, 3},
		{"a cache policy comes and goes", func(t *testing.T, ns string, _ *traffic) {
			// A slow machine sees each of the 11 changes, a fast one the last of them.
			for range 5 {
				apply(t, ns, cacheAll)
				remove(t, cachePolicy(), ns, "all")
			}
			apply(t, ns, cacheAll)
		}, func(t *testing.T, ns string) error {
			return tells(ofCachePolicy(t, ns, "all"), "Accepted", "True", "")
		}, 6, 12},
		{"the status of a cache policy is wiped out", func(t *testing.T, ns string, _ *traffic) {
			apply(t, ns, cacheAll)
			eventuallyCondition(t, ofCachePolicy(t, ns, "all"), "Accepted", "True", "", "")
			eventually(t, "the status to be wiped out", func() error {
				policy := get(t, cachePolicy(), ns, "all")
				unstructured.RemoveNestedField(policy.Object, "status", "ancestors")
				if err := unstructured.SetNestedSlice(policy.Object, []any{}, "status", "ancestors"); err != nil {
					return err
				}
				return cluster.Status().Update(t.Context(), policy)
			})
		}, func(t *testing.T, ns string) error {
			return tells(ofCachePolicy(t, ns, "all"), "Accepted", "True", "")
		}, 2, 3},
		{"a cache policy is in conflict with another one", func(t *testing.T, ns string, _ *traffic) {
			apply(t, ns, ofRouteCache("a")+"---"+ofRouteCache("b"))
		}, func(t *testing.T, ns string) error {
			return tells(ofCachePolicy(t, ns, "b"), "Accepted", "False", "goes first")
		}, 2, 3},
		{"the namespace is being deleted, and its Service too", func(t *testing.T, ns string, _ *traffic) {
			remove(t, &corev1.Namespace{}, "", ns)
			remove(t, &corev1.Service{}, ns, "edge")
		}, func(t *testing.T, ns string) error {
			return tells(ofGateway(t, ns, "edge"), "Programmed", "False", "because it is being terminated")
			// Tries after 10 ms and twice as long each time until one waits longer than it takes to be at rest.
		}, 20, 20},
		{"every label is taken away everywhere", relabel(func(o client.Object) { o.SetLabels(nil) }), labelled, 8, 2},
	}
}

// TestEveryLoopHasABound counts what the operator reads and writes after each fault until it rests: a loop never rests.
func TestEveryLoopHasABound(t *testing.T) {
	tr := countTraffic(t)
	launched := launchOperator(t, tr.kubeconfig)
	// What the operator has open ends before the way to the API server does.
	t.Cleanup(func() { launched.stop(t) })
	eventually(t, "the operator to be ready", func() error { return launched.probe("/readyz") })
	for _, f := range faults() {
		t.Run(f.name, func(t *testing.T) {
			ns := servingGateway(t)
			t.Cleanup(func() {
				gateway := &gatewayv1.Gateway{ObjectMeta: objectMeta(ns, "edge")}
				assert.NoError(t, cluster.Delete(context.Background(), gateway), "the next row is not to count what this one left")
			})
			tr.settle(t)
			tr.begin()
			defer func() { t.Log(tr.report()) }()
			f.do(t, ns, tr)
			if f.healed != nil {
				eventually(t, "what was done to be put right", func() error { return f.healed(t, ns) })
			}
			tr.settle(t)
			reads, writes, _, _ := tr.most()
			assert.LessOrEqual(t, reads, f.reads, "reads of one object")
			assert.LessOrEqual(t, writes, f.writes, "writes of one object")
			tr.refusing(nil)
		})
	}
}
