//go:build apiserver

package controller

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// edgeWith is the Gateway edge with further listeners.
func edgeWith(listeners ...string) string {
	return edge + strings.Join(listeners, "")
}

const altListener = "  - {name: alt, port: 8081, protocol: HTTP, allowedRoutes: {namespaces: {from: All}}}\n"

// ofListener reads the conditions of a listener of a Gateway.
func ofListener(t *testing.T, namespace, gateway, listener string) func() ([]metav1.Condition, error) {
	return func() ([]metav1.Condition, error) {
		object := &gatewayv1.Gateway{}
		if err := cluster.Get(t.Context(), clientKey(namespace, gateway), object); err != nil {
			return nil, err
		}
		for _, l := range object.Status.Listeners {
			if string(l.Name) == listener {
				return l.Conditions, nil
			}
		}
		return nil, fmt.Errorf("there is no listener %s", listener)
	}
}

// sayOfDeployment plays the Deployment controller.
func sayOfDeployment(t *testing.T, namespace, name string, say func(*appsv1.DeploymentStatus)) {
	t.Helper()
	eventually(t, "the Deployment's status to be written", func() error {
		deployment := get(t, &appsv1.Deployment{}, namespace, name)
		deployment.Status.ObservedGeneration = deployment.Generation
		say(&deployment.Status)
		return cluster.Status().Update(t.Context(), deployment)
	})
}

func TestAPortThatNoPodHasOpenedIsNotProgrammed(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	old := startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.50")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	record := recordProgrammed(t, ns, "edge")

	apply(t, ns, edgeWith(altListener))
	const quota = `pods "edge-1" is forbidden: exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1`
	sayOfDeployment(t, ns, "edge", func(s *appsv1.DeploymentStatus) {
		s.Replicas, s.ReadyReplicas, s.AvailableReplicas, s.UpdatedReplicas = 1, 1, 1, 0
		s.Conditions = []appsv1.DeploymentCondition{{
			Type: appsv1.DeploymentReplicaFailure, Status: corev1.ConditionTrue, Reason: "FailedCreate", Message: quota,
		}}
	})
	eventuallyCondition(t, ofListener(t, ns, "edge", "alt"), "Programmed", "False", "Pending", "Pod "+old.name+" has not opened port 8081")
	eventuallyCondition(t, ofListener(t, ns, "edge", "alt"), "Programmed", "False", "Pending", "exceeded quota")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "ReplicaFailure", "True", "FailedCreate", "exceeded quota: q")
	eventuallyEvents(t, ns, "Normal Programmed", "Warning FailedCreate")
	gateway := get(t, &gatewayv1.Gateway{}, ns, "edge")
	programmed := meta.FindStatusCondition(gateway.Status.Conditions, "Programmed")
	assert.Equal(t, metav1.ConditionTrue, programmed.Status, "the pod serves what it served")
	assert.Less(t, programmed.ObservedGeneration, gateway.Generation, "and that is not this generation")

	remove(t, &corev1.Pod{}, ns, startedAfter(t, ns, old).name)
	eventuallyCondition(t, ofListener(t, ns, "edge", "alt"), "Programmed", "True", "Programmed", "")
	sayOfDeployment(t, ns, "edge", func(s *appsv1.DeploymentStatus) { s.UpdatedReplicas, s.Conditions = 1, nil })
	eventually(t, "the failure to be gone", func() error {
		if c := meta.FindStatusCondition(get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Conditions, "ReplicaFailure"); c != nil {
			return fmt.Errorf("%+v", c)
		}
		return nil
	})
	gateway = get(t, &gatewayv1.Gateway{}, ns, "edge")
	assert.Equal(t, gateway.Generation, meta.FindStatusCondition(gateway.Status.Conditions, "Programmed").ObservedGeneration)
	assert.Equal(t, []string{"Gateway True", "http True", "alt False", "alt True"}, record.stop())
}

// startedAfter starts a pod of the newest template, and returns the one that it replaces.
func startedAfter(t *testing.T, namespace string, old *pod) *pod {
	t.Helper()
	startPod(t, namespace, old.gateway)
	return old
}

func TestHTTPThatBecomesHTTPSIsProgrammedWhenEveryPodSpeaksIt(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edgeWith(altListener)+"---"+web)
	old := startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.51")
	eventuallyCondition(t, ofListener(t, ns, "edge", "alt"), "Programmed", "True", "Programmed", "")
	giveCertificate(t, ns, "alt")
	apply(t, ns, edgeWith("  - {name: alt, port: 8081, protocol: HTTPS, tls: {certificateRefs: [{name: alt}]}}\n"))
	eventuallyCondition(t, ofListener(t, ns, "edge", "alt"), "Programmed", "False", "Pending", "has not opened port 8081 for HTTPS yet")
	eventuallyCondition(t, ofListener(t, ns, "edge", "http"), "Programmed", "True", "Programmed", "")
	remove(t, &corev1.Pod{}, ns, startedAfter(t, ns, old).name)
	eventuallyCondition(t, ofListener(t, ns, "edge", "alt"), "Programmed", "True", "Programmed", "")
}

// eventuallyEvents waits until these Events ("type reason") of Gateways are in a namespace, and no others.
func eventuallyEvents(t *testing.T, namespace string, want ...string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the Events %q", want), func() error {
		var list eventsv1.EventList
		require.NoError(t, cluster.List(t.Context(), &list, inNamespace(namespace)))
		var got []string
		for _, e := range list.Items {
			if e.Regarding.Kind == "Gateway" {
				got = append(got, e.Type+" "+e.Reason)
			}
		}
		if !assert.ObjectsAreEqual(sorted(want), sorted(got)) {
			return fmt.Errorf("the Events are %q", got)
		}
		return nil
	})
}
