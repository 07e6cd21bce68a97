//go:build apiserver

package controller

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

const otherController = "example.org/second"

// startCounted runs the operator behind something that counts what it asks for.
func startCounted(t *testing.T, args ...string) (*operator, *traffic) {
	t.Helper()
	tr := countTraffic(t)
	o := launchOperator(t, tr.kubeconfig, args...)
	t.Cleanup(func() { o.stop(t) })
	eventually(t, "the operator to be ready", func() error { return o.probe("/readyz") })
	return o, tr
}

// Two operators of different names, which a cluster has while it moves from one to the other.
func TestOperatorsOfTwoNamesLeaveEachOtherAlone(t *testing.T) {
	_, firstTraffic := startCounted(t)
	ns := servingGateway(t)
	backends := namespace(t)
	apply(t, backends, grant(ns))
	apply(t, ns, routeTo("far", backends))
	eventuallyAccesses(t, backends, 2)
	eventuallyCondition(t, ofRoute(t, ns, "far"), "Accepted", "True", "", "")
	firstTraffic.settle(t)
	versions, owned := resourceVersions(t, ns), leftovers(t, ns)
	firstTraffic.begin()

	_, secondTraffic := startCounted(t, "--controller-name="+otherController)
	theirs := servingGatewayOf(t, otherController)
	secondTraffic.settle(t)
	firstTraffic.settle(t)
	assert.Equal(t, versions, resourceVersions(t, ns), "the second operator writes nothing of the first one's")
	assert.ElementsMatch(t, owned, leftovers(t, ns))
	assert.Equal(t, 2, accesses(t, backends))
	_, _, _, written := firstTraffic.most()
	assert.Zero(t, written, firstTraffic.report())
	for _, service := range []struct{ ns, maker string }{{ns, "varnish.io/gateway-controller"}, {theirs, otherController}} {
		assert.Equal(t, service.maker, get(t, &corev1.Service{}, service.ns, "edge").Annotations[gatewaypod.ControllerAnnotation])
	}

	// A Gateway that moves from the one to the other: the first takes down what it has made, and the second makes its own.
	apply(t, ns, ofClass(withParameters("{podDisruptionBudget: {minAvailable: 1}}"), theirs))
	eventually(t, "the second operator to have made the Service", func() error {
		service := &corev1.Service{}
		if err := cluster.Get(t.Context(), clientKey(ns, "edge"), service); err != nil {
			return err
		}
		if maker := service.Annotations[gatewaypod.ControllerAnnotation]; maker != otherController {
			return assert.AnError
		}
		return nil
	})
	secondTraffic.settle(t)
	firstTraffic.settle(t)
	eventuallyAccesses(t, backends, 2)
	require.Len(t, get(t, &gatewayv1.Gateway{}, ns, "edge").Finalizers, 1, "each controller has a finalizer of its own")
	reads, writes, _, _ := firstTraffic.most()
	assert.LessOrEqual(t, max(reads, writes), 10, firstTraffic.report())
}

// What another controller has made for a Gateway is not taken over, and the condition says whose it is.
func TestWhatAnotherControllerMadeIsNamed(t *testing.T) {
	_, tr := startCounted(t)
	ns := servingGateway(t)
	eventually(t, "another controller to claim the Service", func() error {
		service := get(t, &corev1.Service{}, ns, "edge")
		service.Annotations[gatewaypod.ControllerAnnotation] = otherController
		service.Labels["theirs"] = "yes"
		return cluster.Update(t.Context(), service)
	})
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "", "Service edge was made by the controller "+otherController)
	tr.settle(t)
	assert.Equal(t, otherController, get(t, &corev1.Service{}, ns, "edge").Annotations[gatewaypod.ControllerAnnotation])
	remove(t, &corev1.Service{}, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.21")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "", "")
}

// Objects of a version that did not say who made them are adopted where their Gateway's class is ours.
func TestAnUpgradeAdoptsWhatWasMadeBefore(t *testing.T) {
	first := startOperator(t)
	ns := servingGateway(t)
	first.stop(t)
	template := deploymentTemplate(t, ns)
	for _, empty := range madeOf {
		overwrite(empty, empty().GetName(), func(o client.Object) {
			annotations := o.GetAnnotations()
			delete(annotations, gatewaypod.ControllerAnnotation)
			o.SetAnnotations(annotations)
		})(t, ns, nil)
	}
	owned := leftovers(t, ns)
	startOperator(t)
	eventually(t, "every object to be marked", func() error {
		for kind, empty := range madeOf {
			if maker := get(t, empty(), ns, empty().GetName()).GetAnnotations()[gatewaypod.ControllerAnnotation]; maker == "" {
				return assert.AnError
			} else if maker != "varnish.io/gateway-controller" {
				assert.Fail(t, kind, maker)
			}
		}
		return nil
	})
	assert.ElementsMatch(t, owned, leftovers(t, ns), "nothing was made anew")
	assert.Equal(t, template, deploymentTemplate(t, ns), "and no pods are rolled")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "", "")
}

func deploymentTemplate(t *testing.T, ns string) corev1.PodTemplateSpec {
	t.Helper()
	return get(t, &appsv1.Deployment{}, ns, "edge").Spec.Template
}

// Two Leases, or none: operators of one name that both work, and that want different pods. Each undoes what the other has done, which
// must not become a loop, and is told.
func TestTwoOperatorsOfOneNameThatBothWorkComeToRest(t *testing.T) {
	_, first := startCounted(t)
	ns := servingGateway(t)
	first.settle(t)
	first.begin()
	_, second := startCounted(t, "--gateway-image=registry.example/other:2")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "Deployment "+ns+"/edge: somebody else changes")
	defer func() { t.Log(first.report(), "\n", second.report()) }()
	second.settle(t)
	first.settle(t)
	for _, tr := range []*traffic{first, second} {
		_, writes, _, _ := tr.most()
		// Without a bound they were 1,874 within 67 s.
		assert.LessOrEqual(t, writes, 40, "writes of one object")
	}
}
