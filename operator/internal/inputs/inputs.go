// Package inputs holds everything that translation looks at, as one plain value.
//
// Whoever gathers it (informer caches in the cluster, manifests without one) hands over the objects
// as they are; translation reads them and never changes them.
package inputs

import (
	"cmp"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1alpha3 "sigs.k8s.io/gateway-api/apis/v1alpha3"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// ControllerName is the controllerName of the GatewayClasses that are ours.
const ControllerName = "varnish.io/gateway-controller"

// Inputs are all objects that translation looks at. A zero Inputs is valid and has no Gateways.
type Inputs struct {
	GatewayClasses  []*gatewayv1.GatewayClass
	Gateways        []*gatewayv1.Gateway
	HTTPRoutes      []*gatewayv1.HTTPRoute
	ReferenceGrants []*gatewayv1.ReferenceGrant
	// BackendTLSPolicies are read so that their Services are not spoken to without TLS.
	BackendTLSPolicies []*gatewayv1.BackendTLSPolicy
	Services           []*corev1.Service
	Secrets            []*corev1.Secret
	ConfigMaps         []*corev1.ConfigMap
	// Namespaces that are referred to but not listed are taken to exist with no labels but their
	// name.
	Namespaces             []*corev1.Namespace
	GatewayClassParameters []*v1alpha1.GatewayClassParameters
	GatewayParameters      []*v1alpha1.GatewayParameters
	VarnishCachePolicies   []*v1alpha1.VarnishCachePolicy
	// VarnishCacheInvalidations are carried out and not translated.
	VarnishCacheInvalidations []*v1alpha1.VarnishCacheInvalidation
	// Classless are the Gateways ("namespace/name") that are ours though there is no GatewayClass of the name that
	// they say: we have made objects for them, and no other controller claims them.
	Classless map[string]bool
	// Elsewhere are the Gateways and HTTPRoutes that are there and not ours. A policy that targets one
	// is somebody else's concern; one whose target is not there at all is told so.
	Elsewhere Elsewhere
	// Presented are the certificates and keys that Gateways ("namespace/name") present now, as an
	// earlier translation gave them. One of a Secret that has become bad is presented until the
	// Secret is good again.
	Presented map[string]map[string][]byte
	// Unread are objects that are there and could not be read.
	Unread  Unread
	Options Options
}

// Unread are objects that are there and could not be read, by name, with a sentence that says why.
type Unread struct {
	Secrets, ConfigMaps map[types.NamespacedName]string
	// Presented are the Gateways of which it is not known what they present.
	Presented map[types.NamespacedName]string
}

// Elsewhere are objects of other controllers, by name.
type Elsewhere struct {
	Gateways, HTTPRoutes map[types.NamespacedName]bool
}

// Options of the translation that no object carries.
type Options struct {
	// ControllerName of our GatewayClasses; the constant of this package where it is empty.
	ControllerName gatewayv1.GatewayController
	// TrustedHops (CIDR) of Gateways whose parameters name none.
	TrustedHops []string
	// Definitions of the Gateway API that are installed, of those that are read; none where there
	// is no API server: manifests are taken as the definitions say that are part of this build.
	Definitions []Definition
}

// Definition is a CustomResourceDefinition of the Gateway API.
type Definition struct {
	// Resource is its plural name: "httproutes".
	Resource string
	// BundleVersion of the Gateway API that it is part of ("v1.7.0"), as its annotation says; empty
	// where it does not.
	BundleVersion string
}

// ReferenceGrants is the resource without which no reference leaves its namespace.
const ReferenceGrants = "referencegrants"

// BackendTLSPolicies is the resource that asks for TLS to backends.
const BackendTLSPolicies = "backendtlspolicies"

// Reads tells whether objects of a resource of the Gateway API are read.
func (o Options) Reads(resource string) bool {
	return len(o.Definitions) == 0 || slices.ContainsFunc(o.Definitions, func(d Definition) bool { return d.Resource == resource })
}

// Controller returns the controllerName of our GatewayClasses.
func (o Options) Controller() gatewayv1.GatewayController {
	if o.ControllerName == "" {
		return ControllerName
	}
	return o.ControllerName
}

// Sort puts every list into the order of namespace and name, so that equal sets of objects are
// equal values.
func (in *Inputs) Sort() {
	for i := range Kinds {
		Kinds[i].slot.sort(in)
	}
	sortObjects(in.Services)
	sortObjects(in.Secrets)
	sortObjects(in.ConfigMaps)
	sortObjects(in.Namespaces)
}

// ReferenceGrantFromV1Beta1 returns a grant of the older version, whose shape is the same, as a v1
// one.
func ReferenceGrantFromV1Beta1(grant *gatewayv1beta1.ReferenceGrant) *gatewayv1.ReferenceGrant {
	return (*gatewayv1.ReferenceGrant)(grant)
}

// BackendTLSPolicyFromV1Alpha3 returns a policy of the older version, whose shape is the same, as a
// v1 one.
func BackendTLSPolicyFromV1Alpha3(policy *gatewayv1alpha3.BackendTLSPolicy) *gatewayv1.BackendTLSPolicy {
	return (*gatewayv1.BackendTLSPolicy)(policy)
}

func sortObjects[T metav1.Object](objects []T) {
	slices.SortStableFunc(objects, func(a, b T) int {
		return cmp.Or(
			cmp.Compare(a.GetNamespace(), b.GetNamespace()),
			cmp.Compare(a.GetName(), b.GetName()),
		)
	})
}
