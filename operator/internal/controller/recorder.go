package controller

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientevents "k8s.io/client-go/tools/events"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// recorder writes Events of Gateways: that one is programmed, or is not any more, and why pods of it are missing. There is one where
// a condition has another status or reason than before, and so no more than there are writes of the status.
type recorder struct{ clientevents.EventRecorder }

// changed writes the Events of a status that was written.
func (r recorder) changed(gateway *gatewayv1.Gateway, before, after []metav1.Condition) {
	for _, e := range newsOf(before, after) {
		r.Eventf(gateway, nil, e.kind, e.reason, e.action, "%s", e.note)
	}
}

// news is an Event to be written.
type news struct{ kind, reason, action, note string }

// maxNote is the longest note of an Event, in bytes (events.k8s.io/v1).
const maxNote = 1024

// newsOf are the Events of a change of conditions.
func newsOf(before, after []metav1.Condition) []news {
	var all []news
	tell := func(kind string, c *metav1.Condition, action string) {
		// Further lines are the compiler's, and are the condition's to tell.
		note, _, _ := strings.Cut(c.Message, "\n")
		if len(note) > maxNote {
			note = strings.ToValidUTF8(note[:maxNote], "")
		}
		all = append(all, news{kind, c.Reason, action, note})
	}
	now, last := conditionsOf(before, after, string(gatewayv1.GatewayConditionProgrammed))
	if now != nil && !sameState(now, last) {
		switch {
		case now.Status == metav1.ConditionTrue:
			tell(corev1.EventTypeNormal, now, "Program")
		case now.Reason == string(gatewayv1.GatewayReasonInvalid), last != nil && last.Status == metav1.ConditionTrue:
			tell(corev1.EventTypeWarning, now, "Program")
		}
	}
	if now, last = conditionsOf(before, after, report.ConditionReplicaFailure); now != nil && !sameState(now, last) {
		tell(corev1.EventTypeWarning, now, "Replicate")
	}
	return all
}

func conditionsOf(before, after []metav1.Condition, kind string) (now, last *metav1.Condition) {
	return meta.FindStatusCondition(after, kind), meta.FindStatusCondition(before, kind)
}

func sameState(now, last *metav1.Condition) bool {
	return last != nil && last.Status == now.Status && last.Reason == now.Reason
}
