package invalidation

import (
	"fmt"
	"reflect"
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// Outcome is what one controller says of an invalidation.
type Outcome struct {
	Controller string
	// Gateways of this controller.
	Gateways []v1alpha1.InvalidatedGateway
	// Invalid is why it cannot be carried out; empty where it can.
	Invalid string
}

// Merge adds an outcome to a status, in which controllers of other names keep their Gateways. It
// tells whether that made a difference.
func Merge(before v1alpha1.VarnishCacheInvalidationStatus, generation int64, own Outcome, now metav1.Time) (v1alpha1.VarnishCacheInvalidationStatus, bool) {
	after := *before.DeepCopy()
	after.Gateways = slices.DeleteFunc(after.Gateways, func(g v1alpha1.InvalidatedGateway) bool {
		return g.ControllerName == own.Controller
	})
	after.Gateways = append(after.Gateways, own.Gateways...)
	slices.SortFunc(after.Gateways, byName)
	total := Total(after.Gateways)
	after.Pods = &total
	if after.StartTime == nil {
		after.StartTime = &now
	}
	complete, failed := conditions(after.Gateways, total, own.Invalid)
	set(&after.Conditions, complete, generation, now)
	if failed == nil {
		meta.RemoveStatusCondition(&after.Conditions, v1alpha1.InvalidationFailed)
	} else {
		set(&after.Conditions, *failed, generation, now)
	}
	switch {
	case !Finished(after):
		after.CompletionTime = nil
	case after.CompletionTime == nil:
		after.CompletionTime = &now
	}
	return after, !reflect.DeepEqual(before, after)
}

func set(all *[]metav1.Condition, c metav1.Condition, generation int64, now metav1.Time) {
	c.ObservedGeneration, c.LastTransitionTime = generation, now
	meta.SetStatusCondition(all, c)
}

// Total is how many pods of all Gateways there are in each state.
func Total(gateways []v1alpha1.InvalidatedGateway) v1alpha1.InvalidatedPods {
	var total v1alpha1.InvalidatedPods
	for _, g := range gateways {
		total.Asked += g.Pods.Asked
		total.Done += g.Pods.Done
		total.Failed += g.Pods.Failed
		total.Gone += g.Pods.Gone
	}
	return total
}

// conditions of an invalidation: Complete, and Failed where it is.
func conditions(gateways []v1alpha1.InvalidatedGateway, total v1alpha1.InvalidatedPods, invalid string) (complete metav1.Condition, failed *metav1.Condition) {
	complete = metav1.Condition{Type: v1alpha1.InvalidationComplete, Status: metav1.ConditionFalse}
	switch {
	case invalid != "":
		complete.Reason, complete.Message = v1alpha1.ReasonInvalid, "Nothing was invalidated: "+invalid
	case isAny(gateways, v1alpha1.InvalidationStateInProgress):
		complete.Reason = v1alpha1.ReasonInProgress
		complete.Message = fmt.Sprintf("%d of %d pods have invalidated the objects.", total.Done, total.Asked)
		return complete, nil
	case isAny(gateways, v1alpha1.InvalidationStateFailed):
		complete.Reason, complete.Message = v1alpha1.ReasonPodsFailed, failure(gateways, total)
	case len(gateways) == 0:
		complete.Status, complete.Reason = metav1.ConditionTrue, v1alpha1.ReasonNoGateway
		complete.Message = "No Gateway serves routes of this namespace."
	default:
		complete.Status, complete.Reason = metav1.ConditionTrue, v1alpha1.ReasonInvalidated
		complete.Message = fmt.Sprintf("%d of %d pods have invalidated the objects.", total.Done, total.Asked)
		if total.Gone > 0 {
			complete.Message = fmt.Sprintf("%d of %d pods have invalidated the objects; of %d the cache is gone.", total.Done, total.Asked, total.Gone)
		}
	}
	if complete.Status == metav1.ConditionFalse {
		failed = complete.DeepCopy()
		failed.Type, failed.Status = v1alpha1.InvalidationFailed, metav1.ConditionTrue
	}
	return complete, failed
}

// failure names the first pod that has failed.
func failure(gateways []v1alpha1.InvalidatedGateway, total v1alpha1.InvalidatedPods) string {
	message := fmt.Sprintf("%d of %d pods may still have the objects.", total.Failed, total.Asked)
	for _, g := range gateways {
		if len(g.Failures) > 0 {
			return fmt.Sprintf("%s Pod %s/%s: %s", message, g.Namespace, g.Failures[0].Pod, g.Failures[0].Message)
		}
	}
	return message
}

func isAny(gateways []v1alpha1.InvalidatedGateway, state v1alpha1.InvalidationState) bool {
	return slices.ContainsFunc(gateways, func(g v1alpha1.InvalidatedGateway) bool { return g.State == state })
}

// Finished tells whether an invalidation has ended, complete or failed.
func Finished(status v1alpha1.VarnishCacheInvalidationStatus) bool {
	return meta.IsStatusConditionTrue(status.Conditions, v1alpha1.InvalidationComplete) ||
		meta.IsStatusConditionTrue(status.Conditions, v1alpha1.InvalidationFailed)
}

// FinishedBy tells whether a controller has said the last word that it has to say: it has Gateways
// in the status, and of all it is known what became of it.
func FinishedBy(status v1alpha1.VarnishCacheInvalidationStatus, controller string) bool {
	var own []v1alpha1.InvalidatedGateway
	for _, g := range status.Gateways {
		if g.ControllerName == controller {
			own = append(own, g)
		}
	}
	return len(own) > 0 && !isAny(own, v1alpha1.InvalidationStateInProgress)
}
