// Package report is what translation has to say about the objects it looked at: their conditions,
// before they are merged into a live status. It carries no times and no foreign conditions.
package report

import (
	"cmp"
	"fmt"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Report holds the statuses of all objects that are ours, ordered by namespace and name.
type Report struct {
	GatewayClasses []GatewayClass
	Gateways       []Gateway
	// Routes and Policies are ordered by kind first. Policies are those that matter to a Gateway of ours.
	Routes, Policies []Attached
}

// Attached are all that are attached to others: routes, and then policies.
func (r Report) Attached() []Attached { return slices.Concat(r.Routes, r.Policies) }

// Object identifies the object that a status belongs to.
type Object struct {
	Namespace string
	Name      string
	// UID tells an object from one of the same name that was there before: the new one has no status
	// yet, though what is to be told of it may be the same.
	UID types.UID
	// Generation of the object that was looked at.
	Generation int64
}

// ObjectOf identifies an object.
func ObjectOf(o metav1.Object) Object {
	return Object{Namespace: o.GetNamespace(), Name: o.GetName(), UID: o.GetUID(), Generation: o.GetGeneration()}
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
	// ReasonBypassed means that the direct door is open, and VCL of users in vcl_recv may keep requests from it.
	ReasonBypassed = "Bypassed"
)

// Condition is a condition without the times.
type Condition struct {
	Type    string
	Status  metav1.ConditionStatus
	Reason  string
	Message string
	// IsPartial says that it is so only in part: the message says of what it is not. Statuses have no word for that.
	IsPartial bool
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

// Attached is the status of a route or of a policy: one entry for each object of ours that it is
// attached to, which are the parentRefs of a route, and the Gateways below which a policy matters.
type Attached struct {
	// Kind of the object.
	Kind string
	Object
	Entries []Entry
}

// Entry is the status of an object at one of those that it is attached to.
type Entry struct {
	Ref        gatewayv1.ParentReference
	Conditions []Condition
}

// ReasonNoResources is the reason of Accepted for a route that is beyond what all routes of a Gateway may take
// together. The Gateway API has it for Gateways, and none for routes.
const ReasonNoResources = "NoResources"

// ReasonPolicyAffected is the reason of the condition that says which cache policies hold for a route.
const ReasonPolicyAffected = "PolicyAffected"

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
