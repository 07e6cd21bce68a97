package workload

import (
	"maps"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// Labels and annotations of the objects that a Gateway needs.
const (
	// LabelGateway is the Gateway API's own: the name of the Gateway, cut where it is too long for a label.
	LabelGateway = gatewayv1.GatewayNameLabelKey
	// LabelClass is the Gateway API's too (GEP-1762): the name of the class, cut likewise.
	LabelClass = gatewayv1.GatewayClassNameLabelKey
	// LabelManagedBy is Kubernetes' own; ManagedBy is its value. Nothing depends on it but the selectors of pods.
	LabelManagedBy = "app.kubernetes.io/managed-by"
	ManagedBy      = "varnish-gateway"
	// LabelOwner is a digest of the Gateway's namespace and name, on objects of every namespace. Caches find our objects
	// by it.
	LabelOwner = v1alpha1.GroupName + "/owner"
	// AnnotationGateway is the Gateway's namespace/name.
	AnnotationGateway = v1alpha1.GroupName + "/gateway"
	// AnnotationInfraHash is the digest of the pod template that is the only signal to roll pods.
	AnnotationInfraHash = "varnish.io/infra-hash"
	// AnnotationAccount of pods is the UID of the ServiceAccount whose tokens they hold.
	AnnotationAccount = v1alpha1.GroupName + "/service-account-uid"
)

// Gateway is all that the objects of a Gateway depend on.
type Gateway struct {
	Object   *gatewayv1.Gateway
	Settings v1alpha1.GatewaySettings
	// Sockets that the pods open, ordered by port; never empty.
	Sockets []model.Socket
	// Image of the gateway container where the settings name none.
	Image string
	// Controller is the name of the controller that makes the objects.
	Controller gatewayv1.GatewayController
	// Account is the UID of the ServiceAccount, which is in the pods' tokens: with another one, they are rolled. AlsoAccount is a
	// ServiceAccount that some of the pods still have, or empty.
	Account     types.UID
	AlsoAccount string
}

// Key of the Gateway.
func (g Gateway) Key() types.NamespacedName {
	return types.NamespacedName{Namespace: g.Object.Namespace, Name: g.Object.Name}
}

// Owner is what the ownerReference of the Gateway's objects says.
func Owner(gateway *gatewayv1.Gateway) metav1.OwnerReference {
	return *metav1.NewControllerRef(gateway, schema.GroupVersion(gatewayv1.GroupVersion).WithKind("Gateway"))
}

// Selector are the labels by which the Gateway's pods are found. They never change.
func Selector(gateway string) map[string]string {
	return map[string]string{LabelGateway: LabelValue(gateway), LabelManagedBy: ManagedBy}
}

// owned is the metadata of an object in the Gateway's namespace, which goes when the Gateway goes.
func (g Gateway) owned(name string) metav1.ObjectMeta {
	meta := g.meta(g.Object.Namespace, name)
	meta.OwnerReferences = []metav1.OwnerReference{Owner(g.Object)}
	return meta
}

// meta is the metadata of an object in any namespace. Pods do not say who made them: their Deployment does.
func (g Gateway) meta(namespace, name string) metav1.ObjectMeta {
	labels, annotations := g.labels(), g.annotations()
	// Pods go without it: they would be rolled where a Gateway takes another class that says the same.
	labels[LabelClass] = LabelValue(string(g.Object.Spec.GatewayClassName))
	annotations[gatewaypod.ControllerAnnotation] = string(g.Controller)
	return metav1.ObjectMeta{Namespace: namespace, Name: name, Labels: labels, Annotations: annotations}
}

// labels of every object: those that the Gateway asks for, and ours over them.
func (g Gateway) labels() map[string]string {
	labels := map[string]string{}
	if infra := g.Object.Spec.Infrastructure; infra != nil {
		for key, value := range infra.Labels {
			labels[string(key)] = string(value)
		}
	}
	maps.Copy(labels, Selector(g.Object.Name))
	labels[LabelOwner] = OwnerDigest(g.Key())
	return labels
}

// annotations of every object: those that the Gateway asks for, and ours over them.
func (g Gateway) annotations() map[string]string {
	annotations := map[string]string{}
	if infra := g.Object.Spec.Infrastructure; infra != nil {
		for key, value := range infra.Annotations {
			annotations[string(key)] = string(value)
		}
	}
	annotations[AnnotationGateway] = g.Key().String()
	return annotations
}
