package policy

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Standings say of the policies of all kinds how they stand below one ancestor, which is a Gateway.
// The zero value is ready.
type Standings struct {
	byPolicy map[policyKey]*Standing
}

type policyKey struct {
	kind string
	types.NamespacedName
}

// Standing is how a policy stands below one ancestor, at all of its targets there together.
type Standing struct {
	// InForce says that the policy holds at one of its targets at least.
	InForce bool
	// Conflicts are targets at which other policies go first.
	Conflicts []Conflict
	// Missing are targets that are not there.
	Missing []Target
}

// Conflict of a policy with another one.
type Conflict struct {
	// At is the target of both.
	At Target
	// First is the policy that holds there.
	First types.NamespacedName
}

// String is the conflict as messages show it: "shop/web at Gateway shop/web".
func (c Conflict) String() string { return c.First.String() + " at " + c.At.String() }

// Attach notes what is attached at a target. Nothing of it is the zero Level.
func (l Level[P]) Attach(s *Standings) {
	for i, policy := range l.Policies {
		standing := s.of(l.kind, policy)
		if i == 0 {
			standing.InForce = true
		} else {
			standing.Conflicts = added(standing.Conflicts, Conflict{At: l.Target, First: keyOf(l.Policies[0])})
		}
	}
}

// Miss notes that the target is not there.
func (l Level[P]) Miss(s *Standings) {
	for _, policy := range l.Policies {
		standing := s.of(l.kind, policy)
		standing.Missing = added(standing.Missing, l.Target)
	}
}

// AddAll notes what others have noted.
func (s *Standings) AddAll(other Standings) {
	for key, from := range other.byPolicy {
		standing := s.at(key)
		standing.InForce = standing.InForce || from.InForce
		standing.Conflicts = added(standing.Conflicts, from.Conflicts...)
		standing.Missing = added(standing.Missing, from.Missing...)
	}
}

// Of tells how a policy stands below the ancestor, and whether it matters there at all.
func (s *Standings) Of(kind string, policy metav1.Object) (Standing, bool) {
	standing, matters := s.byPolicy[policyKey{kind, keyOf(policy)}]
	if !matters {
		return Standing{}, false
	}
	return *standing, true
}

// Refusal says why a policy holds nowhere below the ancestor, by the reasons that the Gateway API has
// for that; false where it holds.
func (s Standing) Refusal(kind string) (gatewayv1.PolicyConditionReason, string, bool) {
	switch {
	case s.InForce:
		return "", "", false
	case len(s.Conflicts) > 0:
		return gatewayv1.PolicyReasonConflicted, fmt.Sprintf("Another %s has the same targets and goes first: %s.", kind, list(s.Conflicts)), true
	default:
		return gatewayv1.PolicyReasonTargetNotFound, s.missing(), true
	}
}

// Remark is what is to be said of a policy that holds, for some of its targets; empty where there is
// nothing.
func (s Standing) Remark() string {
	var remarks []string
	if len(s.Conflicts) > 0 {
		remarks = append(remarks, "Another one goes first: "+list(s.Conflicts)+".")
	}
	if len(s.Missing) > 0 {
		remarks = append(remarks, s.missing())
	}
	return strings.Join(remarks, " ")
}

func (s Standing) missing() string { return "There is no " + list(s.Missing) + "." }

func (s *Standings) of(kind string, policy metav1.Object) *Standing {
	return s.at(policyKey{kind, keyOf(policy)})
}

func (s *Standings) at(key policyKey) *Standing {
	if s.byPolicy == nil {
		s.byPolicy = map[policyKey]*Standing{}
	}
	if s.byPolicy[key] == nil {
		s.byPolicy[key] = &Standing{}
	}
	return s.byPolicy[key]
}

// added is a list with others, each once, in an order that does not depend on which came first.
func added[T interface {
	comparable
	fmt.Stringer
}](some []T, others ...T) []T {
	all := slices.SortedFunc(slices.Values(append(slices.Clone(some), others...)), func(a, b T) int {
		return strings.Compare(a.String(), b.String())
	})
	return slices.Compact(all)
}

func list[T fmt.Stringer](some []T) string {
	words := make([]string, len(some))
	for i, one := range some {
		words[i] = one.String()
	}
	return strings.Join(words, ", ")
}

func keyOf(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}
