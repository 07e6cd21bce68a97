package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// DataPlane is what is known of the pods (or the process) that serve a Gateway.
type DataPlane struct {
	// Status is True where all of it runs this generation, False where it does not, Unknown where nothing
	// is known yet.
	Status metav1.ConditionStatus
	// Reason for a status other than True; Pending where it is empty.
	Reason gatewayv1.GatewayConditionReason
	// Message in a sentence, which may be followed by lines that it is about.
	Message string
	// Closed says of ports on which pods do not take connections yet why not. Where it is not empty, nothing else is lacking: the
	// listeners on other ports are programmed.
	Closed map[int32]string
	// Lags means that pods are about to run this generation, as after every change: a status other than True is nothing to tell
	// unless it lasts.
	Lags bool
	// Before is a status whose Programmed conditions still stand: what is valid of the Gateway has them as they are
	// there, word for word, with the generation that they are about. With Lags or Closed, only those that are True stand. It is nil
	// where the other fields say what is true now.
	Before *gatewayv1.GatewayStatus
}

// Standing is what a status says already of a Gateway and its listeners.
func Standing(before *gatewayv1.GatewayStatus) DataPlane {
	plane := DataPlane{Status: metav1.ConditionUnknown, Before: before}
	if c := meta.FindStatusCondition(before.Conditions, string(gatewayv1.GatewayConditionProgrammed)); c != nil {
		plane.Status, plane.Reason = c.Status, gatewayv1.GatewayConditionReason(c.Reason)
	}
	return plane
}

// standing is the Programmed condition of a listener as it was, or of the Gateway where the name is empty; nil where there was
// none.
func (p DataPlane) standing(listener string) *Condition {
	if p.Before == nil {
		return nil
	}
	conditions := p.Before.Conditions
	if listener != "" {
		conditions = nil
		for _, l := range p.Before.Listeners {
			if string(l.Name) == listener {
				conditions = l.Conditions
			}
		}
	}
	c := meta.FindStatusCondition(conditions, string(gatewayv1.GatewayConditionProgrammed))
	if c == nil || ((p.Lags || len(p.Closed) > 0) && c.Status != metav1.ConditionTrue) {
		return nil
	}
	return &Condition{
		Type: c.Type, Status: c.Status, Reason: c.Reason, Message: c.Message, ObservedGeneration: c.ObservedGeneration,
	}
}

// WithDataPlane returns the status with the Programmed conditions of the Gateway and of its listeners.
// What is not valid is never programmed, whatever the data plane says.
func (g Gateway) WithDataPlane(plane DataPlane) Gateway {
	g.Listeners = slices.Clone(g.Listeners)
	serving, open := 0, 0
	for i := range g.Listeners {
		l := &g.Listeners[i]
		l.Conditions = second(l.Conditions, g.listenerProgrammed(*l, plane))
		if l.Serves {
			serving++
		}
		if l.Serves && plane.Closed[l.Port] == "" {
			open++
		}
	}
	if open == 0 {
		plane.Before = nil
	}
	g.Conditions = second(g.Conditions, g.programmed(serving, plane))
	return g
}

func (g Gateway) programmed(serving int, plane DataPlane) Condition {
	c := Condition{
		Type:    string(gatewayv1.GatewayConditionProgrammed),
		Status:  metav1.ConditionFalse,
		Reason:  string(gatewayv1.GatewayReasonInvalid),
		Message: "The Gateway is not accepted.",
	}
	switch {
	case !g.Accepted():
		return c
	case serving == 0:
		c.Message = "None of the listeners can serve."
		return c
	}
	if before := plane.standing(""); before != nil {
		return *before
	}
	c.Status, c.Message = plane.Status, plane.Message
	if plane.Status == metav1.ConditionTrue {
		c.Reason = string(gatewayv1.GatewayReasonProgrammed)
		c.Message = cmp.Or(c.Message, "The data plane runs this configuration.")
		if serving < len(g.Listeners) {
			c.Message = fmt.Sprintf("%d of %d listeners serve. %s", serving, len(g.Listeners), c.Message)
		}
		return c
	}
	c.Reason = string(plane.reason())
	return c
}

func (g Gateway) listenerProgrammed(l Listener, plane DataPlane) Condition {
	c := Condition{
		Type:    string(gatewayv1.ListenerConditionProgrammed),
		Status:  metav1.ConditionFalse,
		Reason:  string(gatewayv1.ListenerReasonInvalid),
		Message: "The listener cannot serve; its other conditions say why.",
	}
	switch {
	case !g.Accepted():
		c.Message = "The Gateway is not accepted."
	case !l.Serves:
	case plane.Closed[l.Port] != "":
		c.Reason, c.Message = string(gatewayv1.ListenerReasonPending), plane.Closed[l.Port]
	case len(plane.Closed) == 0 && plane.standing(l.Name) != nil:
		c = *plane.standing(l.Name)
	case plane.Status == metav1.ConditionTrue, len(plane.Closed) > 0:
		c.Status, c.Reason = metav1.ConditionTrue, string(gatewayv1.ListenerReasonProgrammed)
		c.Message = "The data plane runs this configuration."
	default:
		c.Status, c.Reason = plane.Status, string(gatewayv1.ListenerReasonPending)
		// A compiler's message is told once, by the Gateway.
		c.Message, _, _ = strings.Cut(plane.Message, "\n")
	}
	return c
}

func (p DataPlane) reason() gatewayv1.GatewayConditionReason {
	if p.Reason == "" {
		return gatewayv1.GatewayReasonPending
	}
	return p.Reason
}

// second puts a condition behind the first one, Accepted: a status holds few conditions, and those that
// everybody looks for come before the others.
func second(conditions []Condition, condition Condition) []Condition {
	rest := slices.DeleteFunc(slices.Clone(conditions), func(c Condition) bool { return c.Type == condition.Type })
	return slices.Insert(rest, min(1, len(rest)), condition)
}
