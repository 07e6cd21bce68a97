package policy

import (
	"cmp"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Index finds the policies of one kind by what they target. The zero value has none.
type Index[P metav1.Object] struct {
	kind     string
	byTarget map[Target][]P
	// sections of each object that policies name, in the order of the policies.
	sections map[Target][]string
}

// Level is what is attached at one target. The first policy is in force there, and the others are in
// conflict with it.
type Level[P metav1.Object] struct {
	Target   Target
	Policies []P
	kind     string
}

// Attach makes an index of policies of a kind. The function gives the targets of a policy.
func Attach[P metav1.Object](kind string, policies []P, targets func(P) []Target) Index[P] {
	index := Index[P]{kind: kind, byTarget: make(map[Target][]P, len(policies)), sections: map[Target][]string{}}
	for _, policy := range slices.SortedFunc(slices.Values(policies), precedence[P]) {
		for _, target := range targets(policy) {
			if slices.ContainsFunc(index.byTarget[target], func(p P) bool { return keyOf(p) == keyOf(policy) }) {
				continue
			}
			if len(index.byTarget[target]) == 0 && target.Section != "" {
				index.sections[target.Whole()] = append(index.sections[target.Whole()], target.Section)
			}
			index.byTarget[target] = append(index.byTarget[target], policy)
		}
	}
	return index
}

// Chain lists what is attached at targets, in their order; those without a policy are left out. The
// caller names the most specific target first: a rule, its route, the listener, the Gateway.
func (i Index[P]) Chain(targets ...Target) []Level[P] {
	var levels []Level[P]
	for _, target := range targets {
		if policies := i.byTarget[target]; len(policies) > 0 {
			levels = append(levels, Level[P]{Target: target, Policies: policies, kind: i.kind})
		}
	}
	return levels
}

// Missing lists what is attached at sections of an object that it does not have.
func (i Index[P]) Missing(object Target, has func(section string) bool) []Level[P] {
	var levels []Level[P]
	for _, section := range i.sections[object.Whole()] {
		if target := object; !has(section) {
			target.Section = section
			levels = append(levels, i.Chain(target)...)
		}
	}
	return levels
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
