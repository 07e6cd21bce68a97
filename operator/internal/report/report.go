// Package report is what translation has to say about the objects it looked at: their conditions,
// before they are merged into a live status. It carries no times and no foreign conditions.
package report

import (
	"cmp"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Report holds the statuses of all objects that are ours, ordered by namespace and name.
type Report struct {
	GatewayClasses []GatewayClass
	Gateways       []Gateway
	HTTPRoutes     []HTTPRoute
	// BackendTLSPolicies are those that target a Service to which routes of a Gateway of ours refer.
	BackendTLSPolicies []Policy
}

// Object identifies the object that a status belongs to.
type Object struct {
	Namespace string
	Name      string
	// Generation of the object that was looked at.
	Generation int64
}

// ConditionPartiallyInvalid is the type of the condition that tells of what is left out of an object that is accepted. The
// Gateway API has it for routes alone; on Gateways it is our own, and means the same.
const ConditionPartiallyInvalid = string(gatewayv1.RouteConditionPartiallyInvalid)

// ConditionReplicaFailure is the type of the condition that says why pods of a Gateway are not created, or do not start. It has the
// name of the condition by which Deployments and ReplicaSets say the first of the two.
const ConditionReplicaFailure = "ReplicaFailure"

// ConditionDirectPass is the type of the condition that says whether a Gateway's requests that are not cached get their
// answers directly, without a fetch of Varnish. It is our own.
const ConditionDirectPass = "DirectPass"

// Reasons of DirectPass.
const (
	// ReasonNoUserVCL means that no VCL of users has a part in such requests beyond vcl_recv.
	ReasonNoUserVCL = "NoUserVCL"
	// ReasonUserVCL means that some has, so that they must be fetched.
	ReasonUserVCL = "UserVCL"
	// ReasonParameters means that the parameters choose.
	ReasonParameters = "Parameters"
)

// Condition is a condition without the times.
type Condition struct {
	Type    string
	Status  metav1.ConditionStatus
	Reason  string
	Message string
	// ObservedGeneration is that of the object which the condition is about; 0 for the generation that was looked at.
	ObservedGeneration int64
}

// String is the condition with its message: "Accepted=False (InvalidParameters): ...".
func (c Condition) String() string {
	return fmt.Sprintf("%s=%s (%s): %s", c.Type, c.Status, c.Reason, cmp.Or(c.Message, "no further word"))
}

// GatewayClass is the status of a GatewayClass.
type GatewayClass struct {
	Object
	Conditions        []Condition
	SupportedFeatures []gatewayv1.SupportedFeature
}

// Gateway is the status of a Gateway. Programmed conditions are added by WithDataPlane, since only the
// data plane knows them.
type Gateway struct {
	Object
	Conditions []Condition
	Listeners  []Listener
	// Addresses of the Gateway, filled in by whoever knows them; nil leaves the live ones alone.
	Addresses []gatewayv1.GatewayStatusAddress
}

// Listener is the status of one listener.
type Listener struct {
	Name           string
	SupportedKinds []gatewayv1.RouteGroupKind
	AttachedRoutes int32
	Conditions     []Condition
	// Port of the listener.
	Port int32
	// Serves tells whether the listener is part of the Gateway's configuration.
	Serves bool
}

// HTTPRoute is the status of an HTTPRoute: one entry for each parentRef that names a Gateway of ours.
type HTTPRoute struct {
	Object
	Parents []Parent
}

// Parent is the status of a route at one of its parents.
type Parent struct {
	ParentRef  gatewayv1.ParentReference
	Conditions []Condition
}

// Policy is the status of an attached policy: one entry for each Gateway of ours below which it is attached.
type Policy struct {
	Object
	Ancestors []Ancestor
}

// Ancestor is the status of a policy below one of its ancestors.
type Ancestor struct {
	AncestorRef gatewayv1.ParentReference
	Conditions  []Condition
}

// ReasonNoResources is the reason of Accepted for a route that is beyond what all routes of a Gateway may take
// together. The Gateway API has it for Gateways, and none for routes.
const ReasonNoResources = "NoResources"

// ReasonNotSupported is the reason of Accepted for a policy of a kind that is read, and not carried out. It is our own: the
// Gateway API has reasons only for policies that are wrong.
const ReasonNotSupported = "NotSupported"

// Find returns the condition of a type, or nil.
func Find(conditions []Condition, conditionType string) *Condition {
	for i := range conditions {
		if conditions[i].Type == conditionType {
			return &conditions[i]
		}
	}
	return nil
}

// IsTrue tells whether the condition of a type is there and true.
func IsTrue(conditions []Condition, conditionType string) bool {
	c := Find(conditions, conditionType)
	return c != nil && c.Status == metav1.ConditionTrue
}

// Accepted tells whether the Gateway is accepted.
func (g Gateway) Accepted() bool {
	return IsTrue(g.Conditions, string(gatewayv1.GatewayConditionAccepted))
}
