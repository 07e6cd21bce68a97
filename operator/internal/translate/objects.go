package translate

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/policy"
)

// objectKey is an object's namespace and name.
type objectKey struct {
	namespace string
	name      string
}

func (k objectKey) String() string { return k.namespace + "/" + k.name }

// named is the key as clients write it.
func (k objectKey) named() types.NamespacedName {
	return types.NamespacedName{Namespace: k.namespace, Name: k.name}
}

// objects finds what others refer to.
type objects struct {
	services          map[objectKey]*corev1.Service
	secrets           map[objectKey]*corev1.Secret
	configMaps        map[objectKey]*corev1.ConfigMap
	namespaces        map[string]*corev1.Namespace
	grants            map[string][]*gatewayv1.ReferenceGrant
	classParameters   map[string]*v1alpha1.GatewayClassParameters
	gatewayParameters map[objectKey]*v1alpha1.GatewayParameters
	backendTLS        policy.Index[*gatewayv1.BackendTLSPolicy]
	cachePolicies     policy.Index[*v1alpha1.VarnishCachePolicy]
	// presented are the certificates that Gateways ("namespace/name") present now.
	presented map[string]map[string][]byte
	// unread are objects that are there and could not be read.
	unread   inputs.Unread
	keyPairs keyPairs
}

func indexObjects(in inputs.Inputs) *objects {
	o := &objects{
		services:          byKey(in.Services),
		secrets:           byKey(in.Secrets),
		configMaps:        byKey(in.ConfigMaps),
		namespaces:        make(map[string]*corev1.Namespace, len(in.Namespaces)),
		grants:            make(map[string][]*gatewayv1.ReferenceGrant),
		classParameters:   make(map[string]*v1alpha1.GatewayClassParameters, len(in.GatewayClassParameters)),
		gatewayParameters: byKey(in.GatewayParameters),
		presented:         in.Presented,
		unread:            in.Unread,
		backendTLS: policy.Attach(kindBackendTLSPolicy, in.BackendTLSPolicies, func(p *gatewayv1.BackendTLSPolicy) []policy.Target {
			return policy.LocalTargets(p, p.Spec.TargetRefs)
		}),
		cachePolicies: attachCachePolicies(in.VarnishCachePolicies),
	}
	for _, namespace := range in.Namespaces {
		o.namespaces[namespace.Name] = namespace
	}
	for _, grant := range in.ReferenceGrants {
		o.grants[grant.Namespace] = append(o.grants[grant.Namespace], grant)
	}
	for _, parameters := range in.GatewayClassParameters {
		o.classParameters[parameters.Name] = parameters
	}
	return o
}

func byKey[T metav1.Object](list []T) map[objectKey]T {
	m := make(map[objectKey]T, len(list))
	for _, object := range list {
		m[objectKey{object.GetNamespace(), object.GetName()}] = object
	}
	return m
}

// namespaceLabels returns the labels of a namespace, always with the one that an API server adds.
func (o *objects) namespaceLabels(name string) labels.Set {
	namespace := o.namespaces[name]
	if namespace != nil && namespace.Labels[corev1.LabelMetadataName] == name {
		return namespace.Labels
	}
	set := labels.Set{}
	if namespace != nil {
		set = labels.Merge(set, namespace.Labels)
	}
	set[corev1.LabelMetadataName] = name
	return set
}
