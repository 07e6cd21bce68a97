package explain

import (
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/findings"
	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// LeftOut is a listener or a route of which the Gateway serves nothing, or not all: no verdict of
// the router speaks of what never reached it.
type LeftOut struct {
	// Object is the listener's name, or the route's kind, namespace and name.
	Object string `json:"object"`
	// Source of the route.
	Source manifest.Source `json:"source,omitzero"`
	// Why in the words of its conditions.
	Why []string `json:"why"`
}

// leftOut lists what the Gateway does not serve: listeners, then routes that name it.
func leftOut(set *manifest.Set, g report.Gateway, routes []report.Attached) []LeftOut {
	var list []LeftOut
	for _, l := range g.Listeners {
		if !l.Serves {
			list = append(list, LeftOut{Object: "listener " + l.Name, Why: faults(l.Conditions)})
		}
	}
	for _, route := range routes {
		for _, parent := range route.Entries {
			if !names(parent.Ref, route.Namespace, g) {
				continue
			}
			if why := faults(parent.Conditions, string(gatewayv1.RouteConditionResolvedRefs)); len(why) > 0 {
				key := manifest.Key{Kind: route.Kind, Namespace: route.Namespace, Name: route.Name}
				source, _ := set.Source(key)
				list = append(list, LeftOut{Object: key.String(), Source: source, Why: why})
			}
		}
	}
	return list
}

// unresolved says which references of a route ("namespace/name") do not hold, in the words of its
// conditions.
func unresolved(route string, g report.Gateway, routes []report.Attached) []string {
	var list []string
	for _, each := range routes {
		if each.Namespace+"/"+each.Name != route {
			continue
		}
		for _, parent := range each.Entries {
			c := report.Find(parent.Conditions, string(gatewayv1.RouteConditionResolvedRefs))
			if c == nil || findings.Sound(*c) || !names(parent.Ref, each.Namespace, g) || slices.Contains(list, c.String()) {
				continue
			}
			list = append(list, c.String())
		}
	}
	return list
}

// names tells whether a parentRef, known to be of a Gateway, names this one.
func names(ref gatewayv1.ParentReference, namespace string, g report.Gateway) bool {
	if ref.Namespace != nil {
		namespace = string(*ref.Namespace)
	}
	return namespace == g.Namespace && string(ref.Name) == g.Name
}

// faults are the conditions that say that something is wrong, apart from those of some types.
func faults(conditions []report.Condition, except ...string) []string {
	var list []string
	for _, c := range conditions {
		if findings.Fault(c) && !slices.Contains(except, c.Type) {
			list = append(list, c.String())
		}
	}
	return list
}
