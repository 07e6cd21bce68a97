package workload

import (
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// Maker is the name of the controller that made an object; empty where the object does not say so, as those of
// versions before 0.2 do not.
func Maker(object metav1.Object) gatewayv1.GatewayController {
	return gatewayv1.GatewayController(object.GetAnnotations()[gatewaypod.ControllerAnnotation])
}

// ControlledBy tells whether an object's controller is the Gateway with this UID. It is the one rule by which an
// object in the Gateway's namespace belongs to a Gateway; labels only find it.
func ControlledBy(object metav1.Object, gateway types.UID) bool {
	owner := metav1.GetControllerOfNoCopy(object)
	return owner != nil && owner.UID == gateway
}

// BelongsTo tells whether an object is a Gateway's, whoever made it. An ownerReference cannot cross namespaces: in
// another one, the annotation that names the Gateway takes its place.
func BelongsTo(object metav1.Object, gateway *gatewayv1.Gateway) bool {
	if object.GetNamespace() == gateway.Namespace {
		return ControlledBy(object, gateway.UID)
	}
	return object.GetAnnotations()[AnnotationGateway] == gateway.Namespace+"/"+gateway.Name
}

// Owns tells whether an object is the Gateway's and may be written: another controller must not have made it. One that
// does not say who made it is adopted.
func (g Gateway) Owns(object metav1.Object) bool {
	maker := Maker(object)
	return BelongsTo(object, g.Object) && (maker == "" || maker == g.Controller)
}

// GatewayOf is the Gateway that an object belongs to, by the name that the object says. Pods belong to ReplicaSets,
// and what is in other namespaces to nobody: those have an annotation.
func GatewayOf(object metav1.Object) (types.NamespacedName, bool) {
	if owner := gatewayController(object); owner != nil {
		return types.NamespacedName{Namespace: object.GetNamespace(), Name: owner.Name}, true
	}
	namespace, name, ok := strings.Cut(object.GetAnnotations()[AnnotationGateway], "/")
	return types.NamespacedName{Namespace: namespace, Name: name}, ok
}

// MayBeOwned tells whether an object may be made for a Gateway. Caches keep all that such an object says of its owner.
func MayBeOwned(object metav1.Object) bool {
	if gatewayController(object) != nil {
		return true
	}
	_, labelled := object.GetLabels()[LabelOwner]
	return labelled
}

// gatewayController is the Gateway that is the object's controller, or nil.
func gatewayController(object metav1.Object) *metav1.OwnerReference {
	owner := metav1.GetControllerOfNoCopy(object)
	if owner == nil || owner.Kind != "Gateway" {
		return nil
	}
	if group, err := schema.ParseGroupVersion(owner.APIVersion); err != nil || group.Group != gatewayv1.GroupName {
		return nil
	}
	return owner
}
