//go:build apiserver

package controller

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"
)

func invalidationObject() *unstructured.Unstructured {
	object := &unstructured.Unstructured{}
	object.SetAPIVersion("gateway.varnish.io/v1alpha1")
	object.SetKind("VarnishCacheInvalidation")
	return object
}

// invalidate makes a VarnishCacheInvalidation with a spec in YAML.
func invalidate(t *testing.T, namespace, name, spec string) {
	t.Helper()
	require.NoError(t, tryInvalidate(t, namespace, name, spec))
}

func tryInvalidate(t *testing.T, namespace, name, spec string) error {
	t.Helper()
	object := invalidationObject()
	object.SetNamespace(namespace)
	object.SetName(name)
	content := map[string]any{}
	require.NoError(t, yaml.Unmarshal([]byte(spec), &content))
	object.Object["spec"] = content
	return cluster.Create(t.Context(), object)
}

// invalidationStatus is the part of a status that the tests look at.
type invalidationStatus struct {
	Pods     map[string]int32 `json:"pods"`
	Gateways []struct {
		Namespace string `json:"namespace"`
		Name      string `json:"name"`
	} `json:"gateways"`
	Conditions []metav1.Condition `json:"conditions"`
}

func statusOf(t *testing.T, namespace, name string) invalidationStatus {
	t.Helper()
	var object struct {
		Status invalidationStatus `json:"status"`
	}
	live := get(t, invalidationObject(), namespace, name)
	require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(live.Object, &object))
	return object.Status
}

// ofInvalidation reads the conditions of a VarnishCacheInvalidation.
func ofInvalidation(t *testing.T, namespace, name string) func() ([]metav1.Condition, error) {
	return func() ([]metav1.Condition, error) { return statusOf(t, namespace, name).Conditions, nil }
}

// startKnownPod starts one more pod of the Gateway edge, and waits until the operator asks it.
func startKnownPod(t *testing.T, namespace string) *pod {
	t.Helper()
	p := startPod(t, namespace, "edge")
	p.takesEndpoints(t)
	return p
}

func TestAnInvalidationIsDoneOnEveryPodAndSaysSo(t *testing.T) {
	startOperator(t)
	ns := servingGateway(t)
	first, second := startKnownPod(t, ns), startKnownPod(t, ns)
	invalidate(t, ns, "urls", `{urls: ["https://Shop.example:8443/a?b=c"], mode: Soft}`)
	eventuallyCondition(t, ofInvalidation(t, ns, "urls"), "Complete", "True", "Invalidated", "3 of 3 pods have invalidated the objects.")
	status := statusOf(t, ns, "urls")
	assert.Equal(t, map[string]int32{"asked": 3, "done": 3, "failed": 0, "gone": 0}, status.Pods)
	require.Len(t, status.Gateways, 1)
	assert.Equal(t, "edge", status.Gateways[0].Name)
	for _, pod := range []*pod{first, second} {
		require.Len(t, pod.invalidated(), 1)
		assert.JSONEq(t, `{"invalidations":[{"namespace":"`+ns+`","soft":true,"host":"shop.example","path":"/a","query":"b=c"}]}`, pod.invalidated()[0])
	}

	// One that finished is deleted when its time is over.
	invalidate(t, ns, "short", `{tags: [a, b], ttlSecondsAfterFinished: 0}`)
	eventually(t, "it to be deleted", func() error {
		err := cluster.Get(t.Context(), clientKey(ns, "short"), invalidationObject())
		if apierrors.IsNotFound(err) {
			return nil
		}
		return fmt.Errorf("it is there: %w", err)
	})
	require.Len(t, first.invalidated(), 2)
	assert.JSONEq(t, `{"invalidations":[{"namespace":"`+ns+`","tag":"a"},{"namespace":"`+ns+`","tag":"b"}]}`, first.invalidated()[1])
}

func TestAPodThatDoesNotAnswerIsAskedAgainAndThenReported(t *testing.T) {
	startOperator(t)
	ns := servingGateway(t)
	silent := startKnownPod(t, ns)
	silent.silence()

	invalidate(t, ns, "soon", `{all: true}`)
	eventuallyCondition(t, ofInvalidation(t, ns, "soon"), "Complete", "False", "InProgress", "1 of 2 pods")
	silent.speak()
	eventuallyCondition(t, ofInvalidation(t, ns, "soon"), "Complete", "True", "Invalidated", "2 of 2 pods")

	silent.silence()
	invalidate(t, ns, "never", `{all: true, activeDeadlineSeconds: 2}`)
	eventuallyCondition(t, ofInvalidation(t, ns, "never"), "Failed", "True", "PodsFailed",
		"1 of 2 pods may still have the objects. Pod "+ns+"/"+silent.name+": chaperone answers 503")
	assert.Equal(t, map[string]int32{"asked": 2, "done": 1, "failed": 1, "gone": 0}, statusOf(t, ns, "never").Pods)

	// A pod that is killed has no cache any more. Nobody waits for it.
	invalidate(t, ns, "killed", `{all: true, activeDeadlineSeconds: 3600}`)
	eventuallyCondition(t, ofInvalidation(t, ns, "killed"), "Complete", "False", "InProgress", "")
	require.NoError(t, cluster.Delete(t.Context(), &corev1.Pod{ObjectMeta: objectMeta(ns, silent.name)}, client.GracePeriodSeconds(0)))
	eventuallyCondition(t, ofInvalidation(t, ns, "killed"), "Complete", "True", "Invalidated", "1 of 2 pods have invalidated the objects; of 1 the cache is gone.")
}

func TestAnInvalidationGoesOnWithTheNextOperator(t *testing.T) {
	running := startOperator(t)
	ns := servingGateway(t)
	pod := startKnownPod(t, ns)
	invalidate(t, ns, "before", `{all: true}`)
	eventuallyCondition(t, ofInvalidation(t, ns, "before"), "Complete", "True", "", "")
	pod.silence()
	invalidate(t, ns, "under-way", `{tags: [under-way], activeDeadlineSeconds: 3600}`)
	eventuallyCondition(t, ofInvalidation(t, ns, "under-way"), "Complete", "False", "InProgress", "")
	running.stop(t)
	eventuallyCondition(t, ofInvalidation(t, ns, "under-way"), "Complete", "False", "InProgress", "")
	invalidate(t, ns, "meanwhile", `{tags: [meanwhile]}`)
	pod.speak()
	next := startOperator(t)
	eventuallyCondition(t, ofInvalidation(t, ns, "under-way"), "Complete", "True", "", "2 of 2 pods")
	eventuallyCondition(t, ofInvalidation(t, ns, "meanwhile"), "Complete", "True", "", "2 of 2 pods")
	next.idle(t)
	var invalidations int
	for _, order := range pod.invalidated() {
		if strings.Contains(order, `"all":true`) {
			invalidations++
		}
	}
	assert.Equal(t, 1, invalidations, "what has finished is not begun again")
}

func TestAnInvalidationReachesTheGatewaysOfItsNamespaceAlone(t *testing.T) {
	startOperator(t)
	ns, other, none := servingGateway(t), servingGateway(t), namespace(t)
	// A route of the other namespace is attached to this Gateway too.
	apply(t, other, strings.Replace(strings.Replace(webRoute, "name: web", "name: guest", 1), "{name: edge}", "{name: edge, namespace: "+ns+"}", 1))
	eventuallyCondition(t, ofRoute(t, other, "guest"), "Accepted", "True", "", "")
	invalidate(t, other, "both", `{route: guest}`)
	eventuallyCondition(t, ofInvalidation(t, other, "both"), "Complete", "True", "", "2 of 2 pods")
	invalidate(t, ns, "one", `{all: true}`)
	eventuallyCondition(t, ofInvalidation(t, ns, "one"), "Complete", "True", "", "1 of 1 pods")
	assert.Equal(t, ns, statusOf(t, ns, "one").Gateways[0].Namespace)
	invalidate(t, none, "nobody", `{all: true}`)
	eventuallyCondition(t, ofInvalidation(t, none, "nobody"), "Complete", "True", "NoGateway", "No Gateway serves routes of this namespace.")
}

func TestTheAPIServerRefusesAnInvalidationThatSaysNothingOrTooMuch(t *testing.T) {
	ns := namespace(t)
	for spec, want := range map[string]string{
		`{}`:                                       "must have exactly one of urls, prefixes, hosts, tags, route, policy and all",
		`{tags: [a], all: true}`:                   "must have exactly one of",
		`{all: false}`:                             `supported values: "true"`,
		`{urls: [shop.example/a]}`:                 "spec.urls[0]",
		`{urls: ["https://me@shop.example/"]}`:     "spec.urls[0]",
		`{urls: ["https://shop.example/#a"]}`:      "spec.urls[0]",
		`{prefixes: ["https://shop.example/a?b"]}`: "spec.prefixes[0]",
		`{hosts: ["shop.example:80"]}`:             "spec.hosts[0]",
		`{hosts: ["*.example"]}`:                   "spec.hosts[0]",
		`{tags: ["a b"]}`:                          "spec.tags[0]",
		`{tags: []}`:                               "spec.tags",
		`{tags: [a], mode: Gently}`:                "spec.mode",
		`{tags: [a], activeDeadlineSeconds: 0}`:    "spec.activeDeadlineSeconds",
	} {
		err := tryInvalidate(t, ns, "x", spec)
		if assert.Error(t, err, spec) {
			assert.Contains(t, err.Error(), want, spec)
		}
	}
	invalidate(t, ns, "x", `{tags: [a]}`)
	object := get(t, invalidationObject(), ns, "x")
	spec := object.Object["spec"].(map[string]any)
	assert.Equal(t, "Hard", spec["mode"])
	spec["tags"] = []any{"b"}
	assert.ErrorContains(t, cluster.Update(t.Context(), object), "cannot be changed: make another VarnishCacheInvalidation")
}

// What the schema lets through and nobody can carry out is told.
func TestAnInvalidationThatCannotBeCarriedOutSaysWhy(t *testing.T) {
	startOperator(t)
	ns := servingGateway(t)
	invalidate(t, ns, "above", `{urls: ["https://shop.example/a/../../b"]}`)
	eventuallyCondition(t, ofInvalidation(t, ns, "above"), "Failed", "True", "Invalid", "Nothing was invalidated: spec.urls[0]: the path of")
	eventuallyCondition(t, ofInvalidation(t, ns, "above"), "Complete", "False", "Invalid", "")
}
