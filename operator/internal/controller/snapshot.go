package controller

import (
	"reflect"
	"sync/atomic"

	"k8s.io/apimachinery/pkg/types"
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

// Snapshot is the result of one translation, by object. It is never changed.
type Snapshot struct {
	Classes  map[string]report.GatewayClass
	Gateways map[types.NamespacedName]*Gateway
	// Attached are the routes and policies that matter to Gateways of ours.
	Attached map[attachedKey]report.Attached
}

// attachedKey is an object of a kind whose objects are attached to others.
type attachedKey struct {
	kind string
	types.NamespacedName
}

// current is the newest snapshot; nil before the first translation.
type current struct{ atomic.Pointer[Snapshot] }

// snapshotOf sorts a result by object.
func snapshotOf(in inputs.Inputs, result translate.Result) *Snapshot {
	s := &Snapshot{
		Classes:  make(map[string]report.GatewayClass, len(result.Report.GatewayClasses)),
		Gateways: make(map[types.NamespacedName]*Gateway, len(result.Gateways)),
		Attached: make(map[attachedKey]report.Attached, len(result.Report.Routes)+len(result.Report.Policies)),
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
	for _, each := range result.Report.Attached() {
		s.Attached[attachedKey{each.Kind, types.NamespacedName{Namespace: each.Namespace, Name: each.Name}}] = each
	}
	return s
}

// difference lists the objects of which two snapshots say different things.
type difference struct {
	classes  []string
	gateways []types.NamespacedName
	attached []attachedKey
}

// since tells what differs from an older snapshot, which may be nil.
func (s *Snapshot) since(old *Snapshot) difference {
	if old == nil {
		old = &Snapshot{}
	}
	return difference{
		classes:  differing(old.Classes, s.Classes, same[report.GatewayClass]),
		gateways: differing(old.Gateways, s.Gateways, sameGateway),
		attached: differing(old.Attached, s.Attached, same[report.Attached]),
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
