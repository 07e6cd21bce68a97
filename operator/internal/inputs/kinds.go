package inputs

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1alpha3 "sigs.k8s.io/gateway-api/apis/v1alpha3"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// Object is an object as clients know it.
type Object interface {
	metav1.Object
	runtime.Object
}

// ObjectList is a list of objects as clients know it.
type ObjectList interface {
	metav1.ListInterface
	runtime.Object
}

// Kind is a custom resource that is read. Whoever discovers, lists, watches or decodes objects,
// writes their statuses or shows them finds here what there is to know of it.
type Kind struct {
	Group string
	Name  string
	// Resource is the plural name: "httproutes".
	Resource string
	// Required tells whether nothing can be served where it is not installed.
	Required bool
	// Versions in which it can be read, the preferred one first.
	Versions []Version
	// Attached says where objects of the kind tell what they are attached to; nil for kinds that are
	// not attached to others.
	Attached *Attached
	slot     slot
}

// Version is a version of a kind.
type Version struct {
	Name    string
	New     func() Object
	NewList func() ObjectList
}

// Kinds are the custom resources that are read.
var Kinds = []Kind{
	{
		Group: gatewayv1.GroupName, Name: "GatewayClass", Resource: "gatewayclasses", Required: true,
		Versions: []Version{version[gatewayv1.GatewayClass, gatewayv1.GatewayClassList]("v1")},
		slot:     slotOf(func(in *Inputs) *[]*gatewayv1.GatewayClass { return &in.GatewayClasses }),
	},
	{
		Group: gatewayv1.GroupName, Name: "Gateway", Resource: "gateways", Required: true,
		Versions: []Version{version[gatewayv1.Gateway, gatewayv1.GatewayList]("v1")},
		slot:     slotOf(func(in *Inputs) *[]*gatewayv1.Gateway { return &in.Gateways }),
	},
	{
		Group: gatewayv1.GroupName, Name: "HTTPRoute", Resource: "httproutes", Required: true,
		Versions: []Version{version[gatewayv1.HTTPRoute, gatewayv1.HTTPRouteList]("v1")},
		slot:     slotOf(func(in *Inputs) *[]*gatewayv1.HTTPRoute { return &in.HTTPRoutes }),
		Attached: attachedRoute(func(r *gatewayv1.HTTPRoute) (*gatewayv1.CommonRouteSpec, *gatewayv1.RouteStatus) {
			return &r.Spec.CommonRouteSpec, &r.Status.RouteStatus
		}),
	},
	{
		Group: gatewayv1.GroupName, Name: "ReferenceGrant", Resource: ReferenceGrants,
		Versions: []Version{
			version[gatewayv1.ReferenceGrant, gatewayv1.ReferenceGrantList]("v1"),
			version[gatewayv1beta1.ReferenceGrant, gatewayv1beta1.ReferenceGrantList]("v1beta1"),
		},
		slot: slotOf(func(in *Inputs) *[]*gatewayv1.ReferenceGrant { return &in.ReferenceGrants }),
	},
	{
		Group: gatewayv1.GroupName, Name: "BackendTLSPolicy", Resource: BackendTLSPolicies,
		Versions: []Version{
			version[gatewayv1.BackendTLSPolicy, gatewayv1.BackendTLSPolicyList]("v1"),
			version[gatewayv1alpha3.BackendTLSPolicy, gatewayv1alpha3.BackendTLSPolicyList]("v1alpha3"),
		},
		slot:     slotOf(func(in *Inputs) *[]*gatewayv1.BackendTLSPolicy { return &in.BackendTLSPolicies }),
		Attached: attachedPolicy(func(p *gatewayv1.BackendTLSPolicy) *gatewayv1.PolicyStatus { return &p.Status }),
	},
	{
		Group: v1alpha1.GroupName, Name: v1alpha1.KindGatewayClassParameters, Resource: "gatewayclassparameters", Required: true,
		Versions: []Version{version[v1alpha1.GatewayClassParameters, v1alpha1.GatewayClassParametersList]("v1alpha1")},
		slot:     slotOf(func(in *Inputs) *[]*v1alpha1.GatewayClassParameters { return &in.GatewayClassParameters }),
	},
	{
		Group: v1alpha1.GroupName, Name: v1alpha1.KindGatewayParameters, Resource: "gatewayparameters", Required: true,
		Versions: []Version{version[v1alpha1.GatewayParameters, v1alpha1.GatewayParametersList]("v1alpha1")},
		slot:     slotOf(func(in *Inputs) *[]*v1alpha1.GatewayParameters { return &in.GatewayParameters }),
	},
	{
		Group: v1alpha1.GroupName, Name: v1alpha1.KindVarnishCachePolicy, Resource: "varnishcachepolicies", Required: true,
		Versions: []Version{version[v1alpha1.VarnishCachePolicy, v1alpha1.VarnishCachePolicyList]("v1alpha1")},
		slot:     slotOf(func(in *Inputs) *[]*v1alpha1.VarnishCachePolicy { return &in.VarnishCachePolicies }),
		Attached: attachedPolicy(func(p *v1alpha1.VarnishCachePolicy) *gatewayv1.PolicyStatus { return &p.Status }),
	},
	{
		Group: v1alpha1.GroupName, Name: v1alpha1.KindVarnishCacheInvalidation, Resource: "varnishcacheinvalidations",
		Versions: []Version{version[v1alpha1.VarnishCacheInvalidation, v1alpha1.VarnishCacheInvalidationList]("v1alpha1")},
		slot:     slotOf(func(in *Inputs) *[]*v1alpha1.VarnishCacheInvalidation { return &in.VarnishCacheInvalidations }),
	},
}

// AttachedKinds are those whose objects are attached to others, in the order of Kinds.
func AttachedKinds() []*Kind {
	var kinds []*Kind
	for i := range Kinds {
		if Kinds[i].Attached != nil {
			kinds = append(kinds, &Kinds[i])
		}
	}
	return kinds
}

// KindOf finds a kind; nil where it is not read.
func KindOf(gk schema.GroupKind) *Kind {
	i := slices.IndexFunc(Kinds, func(k Kind) bool { return k.Group == gk.Group && k.Name == gk.Kind })
	if i < 0 {
		return nil
	}
	return &Kinds[i]
}

// GroupVersion of a version of the kind.
func (k *Kind) GroupVersion(version string) schema.GroupVersion {
	return schema.GroupVersion{Group: k.Group, Version: version}
}

// Version finds a version by its name; nil where there is none.
func (k *Kind) Version(name string) *Version {
	i := slices.IndexFunc(k.Versions, func(v Version) bool { return v.Name == name })
	if i < 0 {
		return nil
	}
	return &k.Versions[i]
}

// Add adds an object of the kind, of any of its versions, to the inputs. Others are left out.
func (k *Kind) Add(in *Inputs, object any) { k.slot.add(in, Preferred(object)) }

// Preferred is an object in the preferred version of its kind. All versions of a kind have one
// shape.
func Preferred(object any) any {
	switch object := object.(type) {
	case *gatewayv1beta1.ReferenceGrant:
		return ReferenceGrantFromV1Beta1(object)
	case *gatewayv1alpha3.BackendTLSPolicy:
		return BackendTLSPolicyFromV1Alpha3(object)
	}
	return object
}

// Reverse puts the objects of the kind into the opposite order. The list that was there stays as it
// is.
func (k *Kind) Reverse(in *Inputs) { k.slot.reverse(in) }

// slot is the list of the inputs that objects of a kind are in.
type slot struct {
	add           func(*Inputs, any)
	sort, reverse func(*Inputs)
}

func slotOf[P metav1.Object](list func(*Inputs) *[]P) slot {
	return slot{
		add: func(in *Inputs, object any) {
			if o, ok := object.(P); ok {
				*list(in) = append(*list(in), o)
			}
		},
		sort: func(in *Inputs) { sortObjects(*list(in)) },
		reverse: func(in *Inputs) {
			reversed := slices.Clone(*list(in))
			slices.Reverse(reversed)
			*list(in) = reversed
		},
	}
}

func version[T, L any, P interface {
	*T
	Object
}, PL interface {
	*L
	ObjectList
}](name string) Version {
	return Version{Name: name, New: func() Object { return P(new(T)) }, NewList: func() ObjectList { return PL(new(L)) }}
}
