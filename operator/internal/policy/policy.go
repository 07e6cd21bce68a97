// Package policy attaches policies to the objects that they target, as the Gateway API wants it of
// every kind of attached policy (GEP-713, GEP-2648): which one is in force, which ones yield to it,
// and where that is told. It knows neither what a kind of policies asks for nor where the objects
// come from.
package policy

import (
	"cmp"
	"fmt"
	"slices"

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
	// Section of the object, such as the name of a Service's port; empty for the whole object.
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

// Index finds the policies of one kind by what they target. The zero value has none.
type Index[P metav1.Object] struct {
	byTarget map[Target][]P
}

// Attach makes an index of policies. The function gives the targets of a policy.
func Attach[P metav1.Object](policies []P, targets func(P) []Target) Index[P] {
	index := Index[P]{byTarget: make(map[Target][]P, len(policies))}
	for _, policy := range slices.SortedFunc(slices.Values(policies), precedence[P]) {
		for _, target := range targets(policy) {
			index.byTarget[target] = append(index.byTarget[target], policy)
		}
	}
	return index
}

// At lists the policies that are attached at a target. The first one is in force, and the others
// are in conflict with it. Those that name the section of the target go before those that name the
// whole object, which are then overridden, but not in conflict.
func (i Index[P]) At(target Target) []P {
	if policies := i.byTarget[target]; len(policies) > 0 {
		return policies
	}
	target.Section = ""
	return i.byTarget[target]
}

// precedence orders policies: the older one goes first, then that with the first namespace and
// name.
func precedence[P metav1.Object](a, b P) int {
	created, other := a.GetCreationTimestamp(), b.GetCreationTimestamp()
	return cmp.Or(
		created.Time.Compare(other.Time),
		cmp.Compare(a.GetNamespace()+"/"+a.GetName(), b.GetNamespace()+"/"+b.GetName()),
	)
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
