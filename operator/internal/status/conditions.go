// Package status merges what translation reports into the status that an object has now. It is pure: whoever
// writes compares, and writes only what has changed.
//
// What others wrote stays as it is: conditions of types that are not ours, parents of other controllers.
package status

import (
	"slices"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// Limits of the Gateway API on what a status may hold.
const (
	maxConditions = 8
	// maxMessage is the longest message of a condition.
	maxMessage = 32768
)

// ownership says which conditions of an object are ours: those are removed when they are no longer
// reported, and all others are left alone.
type ownership map[string]bool

// mergeConditions brings the reported conditions into the live ones. A condition that says the same as
// before keeps its time; one that was observed at a later generation than ours stays, since then it is we
// who are late.
func mergeConditions(live []metav1.Condition, reported []report.Condition, generation int64, now metav1.Time, ours ownership) []metav1.Condition {
	merged := slices.DeleteFunc(slices.Clone(live), func(c metav1.Condition) bool {
		return ours[c.Type] && report.Find(reported, c.Type) == nil && c.ObservedGeneration <= generation
	})
	for _, c := range reported {
		observed := generation
		if c.ObservedGeneration != 0 {
			observed = c.ObservedGeneration
		}
		if before := meta.FindStatusCondition(merged, c.Type); before != nil && before.ObservedGeneration > generation {
			continue
		} else if before == nil && len(merged) >= maxConditions {
			continue
		}
		meta.SetStatusCondition(&merged, metav1.Condition{
			Type:               c.Type,
			Status:             c.Status,
			Reason:             c.Reason,
			Message:            limited(c.Message),
			ObservedGeneration: observed,
			LastTransitionTime: now,
		})
	}
	return merged
}

// limited cuts a message to what a condition can hold, at the end of a character.
func limited(message string) string {
	if len(message) <= maxMessage {
		return message
	}
	const ellipsis = "..."
	cut := maxMessage - len(ellipsis)
	for cut > 0 && message[cut]&0xC0 == 0x80 {
		cut--
	}
	return message[:cut] + ellipsis
}
