//go:build apiserver

package controller

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// TestAnAPIServerThatFailsNowAndThenIsBorne answers every third write 409, 429, 500 or 503 while a Gateway is made, changed and
// deleted: what there is in the end is as without.
func TestAnAPIServerThatFailsNowAndThenIsBorne(t *testing.T) {
	proxy := startAPIProxy(t)
	kind := schema.GroupResource{Resource: "things"}
	failures := []*apierrors.StatusError{
		apierrors.NewConflict(kind, "thing", errors.New("the test says so")), apierrors.NewTooManyRequests("the test says so", 0),
		apierrors.NewInternalError(errors.New("the test says so")), apierrors.NewServiceUnavailable("the test says so"),
	}
	var writes, failed atomic.Int64
	proxy.meeting(func(r *http.Request) *apierrors.StatusError {
		if r.Method == http.MethodGet || strings.Contains(r.URL.Path, "/leases/") || writes.Add(1)%3 != 0 {
			return nil
		}
		return failures[int(failed.Add(1))%len(failures)]
	})
	o := proxy.startOperator(t)
	t.Cleanup(func() { o.stop(t) })
	ns, backends := namespace(t), namespace(t)
	apply(t, backends, grant(ns))
	apply(t, ns, class+"---"+withParameters("{podDisruptionBudget: {minAvailable: 1}}")+"---"+web+"---"+routeTo("far", backends))
	startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.64")
	eventually(t, "the Gateway to be programmed", func() error { return programmedNow(get(t, &gatewayv1.Gateway{}, ns, "edge")) })
	eventuallyRoutes(t, ns, "far", "web")
	eventuallyAccesses(t, backends, 2)
	record := recordProgrammed(t, ns, "edge")
	for _, name := range []string{"a", "b", "c"} {
		apply(t, ns, strings.Replace(webRoute, "name: web}\nspec", "name: "+name+"}\nspec", 1))
		eventuallyCondition(t, ofRoute(t, ns, name), "Accepted", "True", "", "")
	}
	eventuallyRoutes(t, ns, "a", "b", "c", "far", "web")
	assert.Equal(t, []string{"Gateway True", "http True"}, sorted(record.stop()), "nothing goes to False and back")
	remove(t, &gatewayv1.Gateway{}, ns, "edge")
	eventuallyAccesses(t, backends, 0)
	eventually(t, "the Gateway to be gone", func() error {
		err := cluster.Get(t.Context(), clientKey(ns, "edge"), &gatewayv1.Gateway{})
		if !apierrors.IsNotFound(err) {
			return fmt.Errorf("it is there: %v", err)
		}
		return nil
	})
	assert.Greater(t, failed.Load(), int64(8))
}

// TestEverythingMadeAnewWithinOneDebounceIsAsBefore deletes objects and makes them again at once, as `kubectl replace --force` does.
func TestEverythingMadeAnewWithinOneDebounceIsAsBefore(t *testing.T) {
	startOperator(t)
	ns, backends := namespace(t), namespace(t)
	apply(t, backends, grant(ns))
	apply(t, ns, class+"---"+edge+"---"+web+"---"+routeTo("far", backends))
	pod := startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.65")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	eventuallyAccesses(t, backends, 2)

	remove(t, &gatewayv1.HTTPRoute{}, ns, "web")
	remove(t, &gatewayv1.HTTPRoute{}, ns, "far")
	remove(t, &corev1.Service{}, ns, "web")
	remove(t, &gatewayv1.ReferenceGrant{}, backends, "from-edge")
	apply(t, backends, grant(ns))
	apply(t, ns, web+"---"+routeTo("far", backends))
	for _, name := range []string{"web", "far"} {
		eventuallyCondition(t, ofRoute(t, ns, name), "Accepted", "True", "", "")
		eventuallyCondition(t, ofRoute(t, ns, name), "ResolvedRefs", "True", "", "")
	}
	eventuallyRoutes(t, ns, "far", "web")
	eventuallyAccesses(t, backends, 2)

	// The Gateway too: it has a finalizer of ours, and is another one then. This API server collects no garbage.
	old := get(t, &gatewayv1.Gateway{}, ns, "edge").UID
	remove(t, &gatewayv1.Gateway{}, ns, "edge")
	eventually(t, "another Gateway to be there", func() error {
		gateway := &gatewayv1.Gateway{}
		if err := cluster.Get(t.Context(), clientKey(ns, "edge"), gateway); !apierrors.IsNotFound(err) {
			return fmt.Errorf("the former is there: %v", err)
		}
		return nil
	})
	apply(t, ns, edge)
	require.NotEqual(t, old, get(t, &gatewayv1.Gateway{}, ns, "edge").UID)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Invalid", "exists and does not belong to this Gateway")
	remove(t, &corev1.Pod{}, ns, pod.name)
	// What the garbage collector does, which does not run here.
	for _, kind := range madeOf {
		object := kind()
		object.SetName("")
		require.NoError(t, cluster.DeleteAllOf(t.Context(), object, inNamespaceAll(ns), managed))
	}
	startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.66")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	eventuallyRoutes(t, ns, "far", "web")
	eventuallyAccesses(t, backends, 2)
}

// TestANamespaceOfBackendsThatIsBeingDeletedHoldsNobodyBack: the API server makes nothing in it any more.
func TestANamespaceOfBackendsThatIsBeingDeletedHoldsNobodyBack(t *testing.T) {
	startOperator(t)
	ns, leaving := servingGateway(t), namespace(t)
	apply(t, leaving, grant(ns))
	remove(t, &corev1.Namespace{}, "", leaving)
	apply(t, ns, routeTo("away", leaving))
	eventuallyRoutes(t, ns, "away", "web")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "because it is being terminated")
	apply(t, ns, strings.Replace(webRoute, "name: web}\nspec", "name: more}\nspec", 1))
	eventuallyRoutes(t, ns, "away", "more", "web")
	remove(t, &gatewayv1.HTTPRoute{}, ns, "away")
	eventually(t, "nothing to be told any more", func() error {
		return tells(ofGateway(t, ns, "edge"), "Programmed", "True", "The data plane runs this configuration.")
	})
}

// TestAFinalizerOfSomebodyElseHoldsAGatewayAndNothingOfOurs: what is left of it is taken back at once.
func TestAFinalizerOfSomebodyElseHoldsAGatewayAndNothingOfOurs(t *testing.T) {
	_, tr := startCounted(t)
	ns, backends := servingGateway(t), namespace(t)
	apply(t, backends, grant(ns))
	apply(t, ns, routeTo("far", backends))
	eventuallyAccesses(t, backends, 2)
	eventually(t, "a finalizer to be added", func() error {
		gateway := get(t, &gatewayv1.Gateway{}, ns, "edge")
		gateway.Finalizers = append(gateway.Finalizers, "example.org/stuck")
		return cluster.Update(t.Context(), gateway)
	})
	remove(t, &gatewayv1.Gateway{}, ns, "edge")
	eventuallyAccesses(t, backends, 0)
	eventually(t, "our finalizer to be gone", func() error {
		if f := get(t, &gatewayv1.Gateway{}, ns, "edge").Finalizers; !slices.Equal(f, []string{"example.org/stuck"}) {
			return fmt.Errorf("%q", f)
		}
		return nil
	})
	tr.settle(t)
	tr.begin()
	apply(t, ns, strings.Replace(webRoute, "name: web}\nspec", "name: more}\nspec", 1))
	tr.settle(t)
	_, _, _, written := tr.most()
	assert.Zero(t, written, tr.report())
	gateway := get(t, &gatewayv1.Gateway{}, ns, "edge")
	gateway.Finalizers = nil
	require.NoError(t, cluster.Update(t.Context(), gateway))
}

// TestAnAutoscalerAndTheOperatorDoNotFight: the subresource scale is what an autoscaler writes.
func TestAnAutoscalerAndTheOperatorDoNotFight(t *testing.T) {
	_, tr := startCounted(t)
	ns := servingGateway(t)
	apply(t, ns, `
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: edge}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: edge}
  minReplicas: 2
  maxReplicas: 9
`)
	tr.settle(t)
	tr.begin()
	for _, replicas := range []int32{2, 5, 9, 3} {
		deployment := get(t, &appsv1.Deployment{}, ns, "edge")
		scale := &autoscalingv1.Scale{Spec: autoscalingv1.ScaleSpec{Replicas: replicas}}
		scale.Name, scale.Namespace = "edge", ns
		require.NoError(t, cluster.SubResource("scale").Update(t.Context(), deployment, client.WithSubResourceBody(scale)))
		require.Equal(t, ptr.To(replicas), get(t, &appsv1.Deployment{}, ns, "edge").Spec.Replicas)
	}
	tr.settle(t)
	_, _, _, written := tr.most()
	assert.Zero(t, written, tr.report())
	assert.Equal(t, ptr.To(int32(3)), get(t, &appsv1.Deployment{}, ns, "edge").Spec.Replicas)
}

// TestThreeOperatorsOfThreeNamesComeToRest, one of them with the Gateway of a class that changes hands twice.
func TestThreeOperatorsOfThreeNamesComeToRest(t *testing.T) {
	names := []string{"varnish.io/gateway-controller", "example.org/second", "example.org/third"}
	var all []*traffic
	for _, name := range names {
		_, tr := startCounted(t, "--controller-name="+name)
		all = append(all, tr)
	}
	var served []string
	for _, name := range names {
		served = append(served, servingGatewayOf(t, name))
	}
	moving := served[0]
	for _, to := range []string{served[1], served[2]} {
		apply(t, moving, ofClass(withParameters("{podDisruptionBudget: {minAvailable: 1}}"), to))
		eventually(t, "another controller to have made everything", func() error {
			for kind, empty := range madeOf {
				object := empty()
				if err := cluster.Get(t.Context(), clientKey(moving, object.GetName()), object); err != nil {
					return err
				}
				if maker := object.GetAnnotations()[gatewaypod.ControllerAnnotation]; maker != names[slices.Index(served, to)] {
					return fmt.Errorf("the %s was made by %s", kind, maker)
				}
			}
			return nil
		})
	}
	for _, tr := range all {
		tr.settle(t)
		tr.begin()
	}
	for i, tr := range all {
		tr.settle(t)
		_, _, _, written := tr.most()
		assert.Zero(t, written, "%s: %s", names[i], tr.report())
	}
	for _, ns := range served[1:] {
		require.NoError(t, programmedNow(get(t, &gatewayv1.Gateway{}, ns, "edge")))
	}
}
