// Package policy attaches policies to the objects that they target, as the Gateway API wants it of
// every kind of attached policy (GEP-713, GEP-2648, GEP-2649): which ones hold at a target, which
// ones are in conflict, which targets are not there, and where that is told. It knows neither what a
// kind of policies asks for nor where the objects come from.
//
// A kind of policies needs a function that gives the targets of a policy, and two calls where its
// effect is decided:
//
//   - Index.Chain lists what holds at an object, the most specific target first. A direct policy, such
//     as BackendTLSPolicy, takes the first. Settings of an inherited one are merged by Merge.
//   - Standings notes, below an ancestor, what was found, so that each policy's status can be told.
package policy

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Target is an object that a policy names, or one section of it.
type Target struct {
	// Group of the object; empty for the core group.
	Group     string
	Kind      string
	Namespace string
	Name      string
	// Section of the object: the name of a Service's port, of a Gateway's listener, of a route's rule.
	// It is empty for the whole object.
	Section string
}

// String is the target as messages show it: "Service shop/web", "section https of Service
// shop/web".
func (t Target) String() string {
	object := fmt.Sprintf("%s %s/%s", t.Kind, t.Namespace, t.Name)
	if t.Section == "" {
		return object
	}
	return "section " + t.Section + " of " + object
}

// Whole is the object that the target is a section of.
func (t Target) Whole() Target {
	t.Section = ""
	return t
}

// Ref is the reference by which the status of a policy names the whole object.
func (t Target) Ref() gatewayv1.ParentReference {
	group, kind, namespace := gatewayv1.Group(t.Group), gatewayv1.Kind(t.Kind), gatewayv1.Namespace(t.Namespace)
	return gatewayv1.ParentReference{
		Group: &group, Kind: &kind, Namespace: &namespace, Name: gatewayv1.ObjectName(t.Name),
	}
}

// LocalTargets are the targets of a policy that names objects of its own namespace.
func LocalTargets(policy metav1.Object, refs []gatewayv1.LocalPolicyTargetReferenceWithSectionName) []Target {
	targets := make([]Target, 0, len(refs))
	for _, ref := range refs {
		target := Target{
			Group: string(ref.Group), Kind: string(ref.Kind), Namespace: policy.GetNamespace(), Name: string(ref.Name),
		}
		if ref.SectionName != nil {
			target.Section = string(*ref.SectionName)
		}
		targets = append(targets, target)
	}
	return targets
}

// AncestorRef is the reference by which the status of a policy names a Gateway.
func AncestorRef(gateway metav1.Object) gatewayv1.ParentReference {
	return Target{
		Group: gatewayv1.GroupName, Kind: "Gateway", Namespace: gateway.GetNamespace(), Name: gateway.GetName(),
	}.Ref()
}
