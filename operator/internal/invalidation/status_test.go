package invalidation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

func entry(controller, name string, state v1alpha1.InvalidationState, asked, done, failed, gone int32, failures ...v1alpha1.InvalidationFailure) v1alpha1.InvalidatedGateway {
	return v1alpha1.InvalidatedGateway{
		Namespace: "infra", Name: name, ControllerName: controller, State: state, Failures: failures,
		Pods: v1alpha1.InvalidatedPods{Asked: asked, Done: done, Failed: failed, Gone: gone},
	}
}

func TestTheStatusSaysWhatBecameOfAnInvalidation(t *testing.T) {
	const progress, complete, failed = v1alpha1.InvalidationStateInProgress, v1alpha1.InvalidationStateComplete, v1alpha1.InvalidationStateFailed
	theirs := func(state v1alpha1.InvalidationState) v1alpha1.VarnishCacheInvalidationStatus {
		return v1alpha1.VarnishCacheInvalidationStatus{Gateways: []v1alpha1.InvalidatedGateway{entry("them", "other", state, 1, 0, 0, 0)}}
	}
	for name, c := range map[string]struct {
		before          v1alpha1.VarnishCacheInvalidationStatus
		own             []v1alpha1.InvalidatedGateway
		invalid         string
		reason, message string
		complete        metav1.ConditionStatus
		failed          bool
		pods            v1alpha1.InvalidatedPods
	}{
		"all pods are done": {
			own: []v1alpha1.InvalidatedGateway{entry("us", "a", complete, 2, 2, 0, 0), entry("us", "b", complete, 1, 1, 0, 0)}, complete: "True",
			reason: "Invalidated", message: "3 of 3 pods have invalidated the objects.", pods: v1alpha1.InvalidatedPods{Asked: 3, Done: 3},
		},
		"one was killed": {
			own: []v1alpha1.InvalidatedGateway{entry("us", "a", complete, 3, 2, 0, 1)}, complete: "True", reason: "Invalidated",
			message: "2 of 3 pods have invalidated the objects; of 1 the cache is gone.", pods: v1alpha1.InvalidatedPods{Asked: 3, Done: 2, Gone: 1},
		},
		"one is still asked": {
			own: []v1alpha1.InvalidatedGateway{entry("us", "a", progress, 3, 2, 0, 0), entry("us", "b", failed, 1, 0, 1, 0)}, complete: "False",
			reason: "InProgress", message: "2 of 4 pods", pods: v1alpha1.InvalidatedPods{Asked: 4, Done: 2, Failed: 1},
		},
		"one did not answer": {
			own: []v1alpha1.InvalidatedGateway{
				entry("us", "a", complete, 1, 1, 0, 0), entry("us", "b", failed, 1, 0, 1, 0, v1alpha1.InvalidationFailure{Pod: "b-1", Message: "no route"}),
			},
			complete: "False", failed: true, reason: "PodsFailed", message: "1 of 2 pods may still have the objects. Pod infra/b-1: no route",
			pods: v1alpha1.InvalidatedPods{Asked: 2, Done: 1, Failed: 1},
		},
		"nobody serves routes of the namespace": {complete: "True", reason: "NoGateway", message: "No Gateway serves"},
		"it cannot be carried out": {
			invalid: "spec.urls[0]: no", complete: "False", failed: true, reason: "Invalid", message: "Nothing was invalidated: spec.urls[0]: no",
		},
		"another controller is not done yet": {
			before: theirs(progress), own: []v1alpha1.InvalidatedGateway{entry("us", "a", complete, 1, 1, 0, 0)}, complete: "False",
			reason: "InProgress", message: "1 of 2 pods", pods: v1alpha1.InvalidatedPods{Asked: 2, Done: 1},
		},
		"another controller failed": {
			before: theirs(failed), own: []v1alpha1.InvalidatedGateway{entry("us", "a", complete, 1, 1, 0, 0)}, complete: "False", failed: true,
			reason: "PodsFailed", pods: v1alpha1.InvalidatedPods{Asked: 2, Done: 1},
		},
	} {
		t.Run(name, func(t *testing.T) {
			now := metav1.NewTime(made)
			own := Outcome{Controller: "us", Gateways: c.own, Invalid: c.invalid}
			got, changed := Merge(c.before, 1, own, now)
			assert.True(t, changed)
			assert.Equal(t, c.pods, *got.Pods)
			condition := meta.FindStatusCondition(got.Conditions, "Complete")
			assert.Equal(t, c.complete, condition.Status)
			assert.Equal(t, c.reason, condition.Reason)
			assert.Contains(t, condition.Message, c.message)
			assert.Equal(t, int64(1), condition.ObservedGeneration)
			assert.Equal(t, c.failed, meta.IsStatusConditionTrue(got.Conditions, "Failed"))
			ended := c.complete == metav1.ConditionTrue || c.failed
			assert.Equal(t, ended, Finished(got))
			assert.Equal(t, ended, got.CompletionTime != nil)
			assert.Equal(t, now, *got.StartTime)

			again, changed := Merge(got, 1, own, metav1.NewTime(made.Add(time.Hour)))
			assert.False(t, changed, "the same again is no news")
			assert.Equal(t, got, again)
		})
	}
}

func TestEachControllerFinishesForItself(t *testing.T) {
	both := v1alpha1.VarnishCacheInvalidationStatus{Gateways: []v1alpha1.InvalidatedGateway{
		entry("us", "a", v1alpha1.InvalidationStateComplete, 1, 1, 0, 0), entry("them", "b", v1alpha1.InvalidationStateInProgress, 1, 0, 0, 0),
	}}
	assert.True(t, FinishedBy(both, "us"))
	assert.False(t, FinishedBy(both, "them"))
	assert.False(t, FinishedBy(both, "nobody"))
}
