// Package findings lists everything that is wrong with a directory of manifests: what an API server would refuse,
// and what the gateway says in conditions about the rest.
package findings

import (
	"fmt"
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// adverse are the conditions of the Gateway API that are good when they are not true.
var adverse = map[string]bool{
	report.ConditionPartiallyInvalid:                        true,
	string(gatewayv1.ListenerConditionConflicted):           true,
	string(gatewayv1.ListenerConditionOverlappingTLSConfig): true,
}

// Sound tells whether a condition is as its object's owner wants it.
func Sound(c report.Condition) bool {
	if adverse[c.Type] {
		return c.Status != metav1.ConditionTrue
	}
	return c.Status == metav1.ConditionTrue
}

// harmless are the conditions that say what somebody may want to know, and no fault.
var harmless = map[string]bool{
	// "*.example.com" beside "foo.example.com" is common, and works.
	string(gatewayv1.ListenerConditionOverlappingTLSConfig): true,
	// The parameters or the VCL want it so.
	report.ConditionDirectPass: true,
}

// Remarkable tells whether a condition says what somebody may want to know: it is not as the object's owner wants it, or
// it is so only in part.
func Remarkable(c report.Condition) bool {
	return !Sound(c) || c.IsPartial || c.Type == report.ConditionDirectPass && c.Reason == report.ReasonBypassed
}

// Fault tells whether a condition says that something is wrong.
func Fault(c report.Condition) bool { return (!Sound(c) || c.IsPartial) && !harmless[c.Type] }

// Findings of a set of manifests.
type Findings struct {
	// Problems are what is wrong.
	Problems []manifest.Problem
	// Notes are what somebody may want to know, and that is no fault.
	Notes []manifest.Problem
}

// Of lists the findings: first those of reading, in the order of files, then those of references that lead nowhere, then
// those of translation, in the order of the report. Conditions that only a running gateway can make true are left out.
func Of(set *manifest.Set, r report.Report) Findings {
	c := dangling(set)
	c.found.Problems = append(slices.Clone(set.Problems), c.found.Problems...)
	for _, class := range r.GatewayClasses {
		c.conditions(manifest.Key{Kind: "GatewayClass", Name: class.Name}, "", class.Conditions)
	}
	c.gateways(r.Gateways)
	c.attached(r.Attached())
	return c.found
}

type collector struct {
	set   *manifest.Set
	found Findings
}

func (c *collector) gateways(reports []report.Gateway) {
	specs := index[*gatewayv1.Gateway](c.set)
	for _, g := range reports {
		key := manifest.Key{Kind: "Gateway", Namespace: g.Namespace, Name: g.Name}
		c.conditions(key, "", g.Conditions)
		for _, l := range g.Listeners {
			c.conditions(key, listenerField(specs[key], l.Name), l.Conditions)
		}
	}
}

func (c *collector) attached(reports []report.Attached) {
	for _, r := range reports {
		key := manifest.Key{Kind: r.Kind, Namespace: r.Namespace, Name: r.Name}
		for _, entry := range r.Entries {
			c.conditions(key, c.parentField(key, entry.Ref), entry.Conditions)
		}
	}
}

func (c *collector) conditions(key manifest.Key, field string, conditions []report.Condition) {
	for _, condition := range conditions {
		switch {
		case condition.Type == string(gatewayv1.GatewayConditionProgrammed), !Remarkable(condition):
		case Fault(condition):
			c.add(key, field, condition.String())
		default:
			c.note(key, field, condition.String())
		}
	}
}

func (c *collector) add(key manifest.Key, field, message string) {
	c.found.Problems = append(c.found.Problems, c.problem(key, field, message))
}

func (c *collector) note(key manifest.Key, field, message string) {
	c.found.Notes = append(c.found.Notes, c.problem(key, field, message))
}

func (c *collector) problem(key manifest.Key, field, message string) manifest.Problem {
	source, _ := c.set.Source(key)
	return manifest.Problem{Source: source, Object: key.String(), Field: field, Message: message}
}

func index[T metav1.Object](set *manifest.Set) map[manifest.Key]T {
	objects := map[manifest.Key]T{}
	for _, object := range manifest.Of[T](set) {
		kind := reflect.TypeFor[T]().Elem().Name()
		objects[manifest.Key{Kind: kind, Namespace: object.GetNamespace(), Name: object.GetName()}] = object
	}
	return objects
}

func listenerField(g *gatewayv1.Gateway, name string) string {
	if g != nil {
		for i, l := range g.Spec.Listeners {
			if string(l.Name) == name {
				return fmt.Sprintf("spec.listeners[%d]", i)
			}
		}
	}
	return "spec.listeners"
}

// parentField is the field of a route that says what it is attached to; empty for policies.
func (c *collector) parentField(key manifest.Key, ref gatewayv1.ParentReference) string {
	parents := parentsOf(key.Kind)
	if parents == nil {
		return ""
	}
	if route, ok := c.set.Object(key).(inputs.Object); ok {
		for i, each := range parents(route) {
			if reflect.DeepEqual(each, ref) {
				return fmt.Sprintf("spec.parentRefs[%d]", i)
			}
		}
	}
	return "spec.parentRefs"
}

// parentsOf is how objects of a kind say what they are attached to; nil for those that do not.
func parentsOf(kind string) func(inputs.Object) []gatewayv1.ParentReference {
	for _, k := range inputs.AttachedKinds() {
		if k.Name == kind {
			return k.Attached.Parents
		}
	}
	return nil
}
