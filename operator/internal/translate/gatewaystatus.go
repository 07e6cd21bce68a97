package translate

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// report tells of the Gateway, once all routes are attached. Programmed is not ours to tell.
func (g *gateway) report() report.Gateway {
	r := report.Gateway{Object: objectOf(g.object)}
	r.Conditions = append(r.Conditions, g.accepted(), g.resolvedRefs())
	if g.serves() && len(g.ignored) > 0 {
		r.Conditions = append(r.Conditions, report.Condition{
			Type:    report.ConditionPartiallyInvalid,
			Status:  metav1.ConditionTrue,
			Reason:  g.ignored.reason(),
			Message: g.ignored.message(),
		})
	}
	if g.classGone {
		r.Conditions = append(r.Conditions, report.ClassMissing(string(g.object.Spec.GatewayClassName)))
	}
	if g.serves() {
		r.Conditions = append(r.Conditions, g.directPass)
	}
	for _, l := range g.listeners {
		r.Listeners = append(r.Listeners, l.report(g.serves()))
	}
	return r
}

func (g *gateway) accepted() report.Condition {
	c := report.Condition{
		Type:    string(gatewayv1.GatewayConditionAccepted),
		Status:  metav1.ConditionTrue,
		Reason:  string(gatewayv1.GatewayReasonAccepted),
		Message: "The Gateway is accepted.",
	}
	var refused []string
	for _, l := range g.listeners {
		if !l.accepted() {
			refused = append(refused, l.name())
		}
	}
	switch {
	case len(g.problems) > 0:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, g.problems.reason(), g.problems.message()
	case len(refused) == 0:
	case len(refused) == len(g.listeners):
		c.Status, c.Reason = metav1.ConditionFalse, string(gatewayv1.GatewayReasonListenersNotValid)
		c.Message = "No listener is accepted."
	default:
		c.Reason = string(gatewayv1.GatewayReasonListenersNotValid)
		c.Message = fmt.Sprintf("Accepted without %s of %d: %s.",
			count(len(refused), "listener"), len(g.listeners), listed(refused))
	}
	return c
}

// resolvedRefs sums up the ResolvedRefs conditions of the listeners.
func (g *gateway) resolvedRefs() report.Condition {
	var unresolved []string
	for _, l := range g.listeners {
		if len(l.unresolved) > 0 {
			unresolved = append(unresolved, l.name())
		}
	}
	if len(unresolved) == 0 {
		return report.Condition{
			Type:    string(gatewayv1.GatewayConditionResolvedRefs),
			Status:  metav1.ConditionTrue,
			Reason:  string(gatewayv1.GatewayReasonResolvedRefs),
			Message: "All references are resolved.",
		}
	}
	return report.Condition{
		Type:    string(gatewayv1.GatewayConditionResolvedRefs),
		Status:  metav1.ConditionFalse,
		Reason:  string(gatewayv1.GatewayReasonListenersNotResolved),
		Message: fmt.Sprintf("References are not resolved in %s: %s.", count(len(unresolved), "listener"), listed(unresolved)),
	}
}

// report tells of the listener. One whose Gateway cannot be taken serves nothing.
func (l *listener) report(gatewayServes bool) report.Listener {
	conditions := []report.Condition{l.acceptedCondition(), l.resolvedRefsCondition(), l.conflictedCondition()}
	if len(l.overlaps) > 0 {
		conditions = append(conditions, report.Condition{
			Type:    string(gatewayv1.ListenerConditionOverlappingTLSConfig),
			Status:  metav1.ConditionTrue,
			Reason:  string(gatewayv1.ListenerReasonOverlappingHostnames),
			Message: "Hostnames overlap with: " + listed(l.overlaps) + ".",
		})
	}
	return report.Listener{
		Name:           l.name(),
		Port:           int32(l.spec.Port),
		SupportedKinds: l.kinds,
		AttachedRoutes: l.attached,
		Conditions:     conditions,
		Serves:         gatewayServes && l.serves(),
	}
}

func (l *listener) acceptedCondition() report.Condition {
	c := report.Condition{
		Type:    string(gatewayv1.ListenerConditionAccepted),
		Status:  metav1.ConditionTrue,
		Reason:  string(gatewayv1.ListenerReasonAccepted),
		Message: "The listener is accepted.",
	}
	if !l.accepted() {
		all := append(append(problems{}, l.refused...), l.conflicts...)
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, all.reason(), all.message()
	}
	return c
}

func (l *listener) resolvedRefsCondition() report.Condition {
	c := report.Condition{
		Type:    string(gatewayv1.ListenerConditionResolvedRefs),
		Status:  metav1.ConditionTrue,
		Reason:  string(gatewayv1.ListenerReasonResolvedRefs),
		Message: "All references are resolved.",
	}
	if len(l.unresolved) > 0 {
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, l.unresolved.reason(), l.unresolved.message()
	}
	return c
}

func (l *listener) conflictedCondition() report.Condition {
	c := report.Condition{
		Type:    string(gatewayv1.ListenerConditionConflicted),
		Status:  metav1.ConditionFalse,
		Reason:  string(gatewayv1.ListenerReasonNoConflicts),
		Message: "The listener is distinct from all others.",
	}
	if len(l.conflicts) > 0 {
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, l.conflicts.reason(), l.conflicts.message()
	}
	return c
}

// count puts a number before a noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// index names an element of a list.
func index(field string, i int) string { return fmt.Sprintf("%s[%d]", field, i) }
