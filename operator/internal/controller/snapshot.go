package controller

import (
	"reflect"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

// Gateway is what translation made of one Gateway.
type Gateway struct {
	// Object as it was translated; not to be changed.
	Object *gatewayv1.Gateway
	translate.Gateway
	Report report.Gateway
}

// HTTPRoute is what translation reports of one route.
type HTTPRoute struct {
	// UID tells a route from one of the same name that was there before: the new one has no status yet, though what is to be
	// told of it may be the same.
	UID types.UID
	report.HTTPRoute
}

// Policy is what translation reports of one BackendTLSPolicy.
type Policy struct {
	// UID as for an HTTPRoute.
	UID types.UID
	report.Policy
}

// Snapshot is the result of one translation, by object. It is never changed.
type Snapshot struct {
	Classes  map[string]report.GatewayClass
	Gateways map[types.NamespacedName]*Gateway
	Routes   map[types.NamespacedName]HTTPRoute
	// Policies are the BackendTLSPolicies that matter to Gateways of ours.
	Policies map[types.NamespacedName]Policy
}

// current is the newest snapshot; nil before the first translation.
type current struct{ atomic.Pointer[Snapshot] }

// snapshotOf sorts a result by object.
func snapshotOf(in inputs.Inputs, result translate.Result) *Snapshot {
	s := &Snapshot{
		Classes:  make(map[string]report.GatewayClass, len(result.Report.GatewayClasses)),
		Gateways: make(map[types.NamespacedName]*Gateway, len(result.Gateways)),
		Routes:   make(map[types.NamespacedName]HTTPRoute, len(result.Report.HTTPRoutes)),
		Policies: make(map[types.NamespacedName]Policy, len(result.Report.BackendTLSPolicies)),
	}
	for _, class := range result.Report.GatewayClasses {
		s.Classes[class.Name] = class
	}
	for _, g := range result.Gateways {
		s.Gateways[types.NamespacedName{Namespace: g.Namespace, Name: g.Name}] = &Gateway{Gateway: g}
	}
	for _, r := range result.Report.Gateways {
		s.Gateways[types.NamespacedName{Namespace: r.Namespace, Name: r.Name}].Report = r
	}
	for _, object := range in.Gateways {
		if g := s.Gateways[types.NamespacedName{Namespace: object.Namespace, Name: object.Name}]; g != nil {
			g.Object = object
		}
	}
	routes := uidsOf(in.HTTPRoutes)
	for _, route := range result.Report.HTTPRoutes {
		key := types.NamespacedName{Namespace: route.Namespace, Name: route.Name}
		s.Routes[key] = HTTPRoute{UID: routes[key], HTTPRoute: route}
	}
	policies := uidsOf(in.BackendTLSPolicies)
	for _, policy := range result.Report.BackendTLSPolicies {
		key := types.NamespacedName{Namespace: policy.Namespace, Name: policy.Name}
		s.Policies[key] = Policy{UID: policies[key], Policy: policy}
	}
	return s
}

// uidsOf gives the UID of each object by its name.
func uidsOf[T client.Object](objects []T) map[types.NamespacedName]types.UID {
	uids := make(map[types.NamespacedName]types.UID, len(objects))
	for _, object := range objects {
		uids[client.ObjectKeyFromObject(object)] = object.GetUID()
	}
	return uids
}

// difference lists the objects of which two snapshots say different things.
type difference struct {
	classes  []string
	gateways []types.NamespacedName
	routes   []types.NamespacedName
	policies []types.NamespacedName
}

// since tells what differs from an older snapshot, which may be nil.
func (s *Snapshot) since(old *Snapshot) difference {
	if old == nil {
		old = &Snapshot{}
	}
	return difference{
		classes:  differing(old.Classes, s.Classes, same[report.GatewayClass]),
		gateways: differing(old.Gateways, s.Gateways, sameGateway),
		routes:   differing(old.Routes, s.Routes, same[HTTPRoute]),
		policies: differing(old.Policies, s.Policies, same[Policy]),
	}
}

// differing lists the keys of either map whose values are not the same.
func differing[K comparable, V any](old, now map[K]V, same func(a, b V) bool) []K {
	var keys []K
	for key, value := range now {
		if before, there := old[key]; !there || !same(before, value) {
			keys = append(keys, key)
		}
	}
	for key := range old {
		if _, there := now[key]; !there {
			keys = append(keys, key)
		}
	}
	return keys
}

func same[V any](a, b V) bool { return reflect.DeepEqual(a, b) }

func sameGateway(a, b *Gateway) bool {
	return a.Object.UID == b.Object.UID && a.Object.Generation == b.Object.Generation &&
		reflect.DeepEqual(a.Report, b.Report) && reflect.DeepEqual(a.Gateway, b.Gateway)
}
