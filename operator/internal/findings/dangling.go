package findings

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/manifest"
)

// Dangling lists the Gateways and routes that name what no manifest declares. They get no condition: nobody can tell
// whose they would be.
func Dangling(set *manifest.Set) []manifest.Problem { return dangling(set).found.Problems }

func dangling(set *manifest.Set) *collector {
	c := &collector{set: set}
	classes := index[*gatewayv1.GatewayClass](set)
	for _, gateway := range manifest.Of[*gatewayv1.Gateway](set) {
		c.class(gateway, classes)
	}
	gateways := index[*gatewayv1.Gateway](set)
	for _, kind := range inputs.AttachedKinds() {
		if kind.Attached.Parents == nil {
			continue
		}
		for _, key := range set.Keys(kind.Name) {
			c.parents(key, kind.Attached.Parents(set.Object(key).(inputs.Object)), gateways)
		}
	}
	return c
}

// class looks for the class of a Gateway; the one of ours exists in any case.
func (c *collector) class(gateway *gatewayv1.Gateway, classes map[manifest.Key]*gatewayv1.GatewayClass) {
	const field = "spec.gatewayClassName"
	key := manifest.Key{Kind: "Gateway", Namespace: gateway.Namespace, Name: gateway.Name}
	name := manifest.Key{Kind: "GatewayClass", Name: string(gateway.Spec.GatewayClassName)}
	switch class := classes[name]; {
	case class == nil && name.Name != manifest.DefaultClass:
		c.add(key, field, fmt.Sprintf("there is no %s, so nobody serves this Gateway", name))
	case class != nil && class.Spec.ControllerName != inputs.ControllerName:
		c.note(key, field, fmt.Sprintf("%s belongs to the controller %s, which is another one", name, class.Spec.ControllerName))
	}
}

// parents looks for the Gateways that a route names.
func (c *collector) parents(route manifest.Key, refs []gatewayv1.ParentReference, gateways map[manifest.Key]*gatewayv1.Gateway) {
	for i, ref := range refs {
		if *ref.Kind != "Gateway" || *ref.Group != gatewayv1.GroupName {
			continue
		}
		key := manifest.Key{Kind: "Gateway", Namespace: route.Namespace, Name: string(ref.Name)}
		if ref.Namespace != nil {
			key.Namespace = string(*ref.Namespace)
		}
		if gateways[key] == nil {
			c.add(route, fmt.Sprintf("spec.parentRefs[%d]", i), fmt.Sprintf("there is no %s", key))
		}
	}
}
