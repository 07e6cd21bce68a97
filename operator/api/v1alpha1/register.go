package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// GroupName of the API.
const GroupName = "gateway.varnish.io"

// KindVarnishCachePolicy is the kind of policies for the cache.
const KindVarnishCachePolicy = "VarnishCachePolicy"

// KindVarnishCacheInvalidation is the kind of orders to invalidate objects of the cache.
const KindVarnishCacheInvalidation = "VarnishCacheInvalidation"

// Kinds that a parametersRef can name.
const (
	KindGatewayClassParameters = "GatewayClassParameters"
	KindGatewayParameters      = "GatewayParameters"
)

var (
	// GroupVersion of the types in this package.
	GroupVersion = schema.GroupVersion{Group: GroupName, Version: "v1alpha1"}

	schemeBuilder = runtime.NewSchemeBuilder(addKnownTypes)

	// AddToScheme registers the types of this package.
	AddToScheme = schemeBuilder.AddToScheme
)

func addKnownTypes(scheme *runtime.Scheme) error {
	scheme.AddKnownTypes(GroupVersion,
		&GatewayClassParameters{}, &GatewayClassParametersList{},
		&GatewayParameters{}, &GatewayParametersList{},
		&VarnishCachePolicy{}, &VarnishCachePolicyList{},
		&VarnishCacheInvalidation{}, &VarnishCacheInvalidationList{},
	)
	metav1.AddToGroupVersion(scheme, GroupVersion)
	return nil
}
