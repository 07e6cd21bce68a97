package policy

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// MaxAncestors is how many entries the status of a policy can hold (PolicyStatus.ancestors).
const MaxAncestors = 16

// Attachments are the policies of one kind that matter below one ancestor, which is a Gateway. The
// zero value is ready.
type Attachments[P metav1.Object] struct {
	// inForce tells of each whether it is the first one at a target.
	inForce map[types.NamespacedName]bool
}

// Add notes the policies of one target, in the order in which Index.At gives them.
func (a *Attachments[P]) Add(policies []P) {
	for i, policy := range policies {
		a.note(keyOf(policy), i == 0)
	}
}

// AddAll notes what others have noted.
func (a *Attachments[P]) AddAll(other Attachments[P]) {
	for key, inForce := range other.inForce {
		a.note(key, inForce)
	}
}

func (a *Attachments[P]) note(key types.NamespacedName, inForce bool) {
	if a.inForce == nil {
		a.inForce = map[types.NamespacedName]bool{}
	}
	a.inForce[key] = a.inForce[key] || inForce
}

// Of tells whether a policy matters below the ancestor and, if so, whether it is in force at one of
// its targets at least: otherwise it is in conflict at every one of them.
func (a *Attachments[P]) Of(policy P) (inForce, matters bool) {
	inForce, matters = a.inForce[keyOf(policy)]
	return inForce, matters
}

// AncestorRef is the reference by which the status of a policy names a Gateway.
func AncestorRef(gateway metav1.Object) gatewayv1.ParentReference {
	group, kind, namespace := gatewayv1.Group(gatewayv1.GroupName), gatewayv1.Kind("Gateway"), gatewayv1.Namespace(gateway.GetNamespace())
	return gatewayv1.ParentReference{
		Group: &group, Kind: &kind, Namespace: &namespace, Name: gatewayv1.ObjectName(gateway.GetName()),
	}
}

func keyOf(object metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: object.GetNamespace(), Name: object.GetName()}
}
