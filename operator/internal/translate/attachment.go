package translate

import (
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// attachedRoute is a route that names Gateways of ours.
type attachedRoute struct {
	route       *gatewayv1.HTTPRoute
	translation *routeTranslation
	parents     []routeParent
}

// routeParent is a parentRef that names a Gateway of ours, with what keeps the route from it.
type routeParent struct {
	ref     gatewayv1.ParentReference
	gateway *gateway
	refusal problems
}

// attachRoute attaches a route to the listeners that its parentRefs select. Parents that are not ours, or not there,
// are not ours to speak of; it is false where there is no other.
func attachRoute(route *gatewayv1.HTTPRoute, gateways gateways, objects *objects) (attachedRoute, bool) {
	a := attachedRoute{route: route}
	var wrongHostnames problems
	hostnames := routeHostnames(route.Spec.Hostnames, &wrongHostnames)
	var selected []placement
	for _, ref := range route.Spec.ParentRefs {
		g := gateways.parent(ref, route.Namespace)
		if g == nil {
			continue
		}
		if a.translation == nil {
			a.translation = translateRoute(route, objects)
			a.translation.invalid = append(a.translation.invalid, wrongHostnames...)
		}
		listeners, refusal := g.listenersFor(ref, route.Namespace, hostnames, objects)
		if len(refusal) > 0 {
			refusal = append(refusal, wrongHostnames...)
		}
		a.parents = append(a.parents, routeParent{ref: ref, gateway: g, refusal: refusal})
		selected = append(selected, listeners...)
	}
	for _, g := range gatewaysOf(selected) {
		g.attach(route, a.translation, selected)
	}
	return a, len(a.parents) > 0
}

// report tells of the route at each parent, once it is known what fits the Gateways.
func (a attachedRoute) report() report.Attached {
	r := report.Attached{Kind: kindHTTPRoute, Object: objectOf(a.route)}
	for _, p := range a.parents {
		refusal := p.refusal
		if tooLarge, ok := p.gateway.tooLarge[a.route]; ok {
			refusal = append(refusal, tooLarge)
		}
		conditions := a.translation.conditions(refusal)
		if affected, ok := p.gateway.affected[a.route]; ok && len(refusal) == 0 {
			conditions = append(conditions, cacheAffected(affected))
		}
		r.Entries = append(r.Entries, report.Entry{Ref: p.ref, Conditions: conditions})
	}
	return r
}

// placement is a listener that takes a route, with those of the route's hostnames that fit it.
type placement struct {
	gateway   *gateway
	listener  *listener
	hostnames []string
}

// gatewaysOf returns each Gateway that takes the route, once.
func gatewaysOf(placements []placement) []*gateway {
	var list []*gateway
	for _, p := range placements {
		if !slices.Contains(list, p.gateway) {
			list = append(list, p.gateway)
		}
	}
	return list
}

// parent returns the Gateway of ours that a parentRef names, or nil.
func (all gateways) parent(ref gatewayv1.ParentReference, namespace string) *gateway {
	if ref.Group != nil && *ref.Group != gatewayv1.GroupName {
		return nil
	}
	if ref.Kind != nil && *ref.Kind != kindGateway {
		return nil
	}
	if ref.Namespace != nil {
		namespace = string(*ref.Namespace)
	}
	return all.byKey[objectKey{namespace, string(ref.Name)}]
}

// listenersFor returns where the Gateway takes the route, or the problem because of which none does.
func (g *gateway) listenersFor(ref gatewayv1.ParentReference, namespace string, hostnames []string, objects *objects) ([]placement, problems) {
	var refusal problems
	var named, allowing int
	var selected []placement
	for _, l := range g.listeners {
		if !l.isNamedBy(ref) {
			continue
		}
		named++
		if len(l.kinds) == 0 || !l.takesNamespace(g.object.Namespace, namespace, objects) {
			continue
		}
		allowing++
		if fit, ok := intersection(l.hostname, hostnames); ok {
			selected = append(selected, placement{gateway: g, listener: l, hostnames: fit})
		}
	}
	switch {
	case len(selected) > 0:
	case named == 0:
		refusal.add(string(gatewayv1.RouteReasonNoMatchingParent), "", "no listener of the Gateway has this name and port")
	case allowing == 0:
		refusal.add(string(gatewayv1.RouteReasonNotAllowedByListeners), "",
			"no listener allows HTTPRoutes of namespace %q", namespace)
	default:
		refusal.add(string(gatewayv1.RouteReasonNoMatchingListenerHostname), "spec.hostnames",
			"none of them fits the hostname of a listener")
	}
	return selected, refusal
}

// isNamedBy tells whether a parentRef selects the listener, by what it says of section and port.
func (l *listener) isNamedBy(ref gatewayv1.ParentReference) bool {
	if ref.SectionName != nil && *ref.SectionName != "" && *ref.SectionName != l.spec.Name {
		return false
	}
	return ref.Port == nil || *ref.Port == l.spec.Port
}

// attach makes the route part of the Gateway, as far as it fits. Listeners count it if it is accepted, whether or not
// they serve. A route of which no rule can be carried out is not accepted, yet its matches answer 500: what it was
// meant to guard must not fall to another route.
func (g *gateway) attach(route *gatewayv1.HTTPRoute, translation *routeTranslation, placements []placement) {
	p := publication{object: route, translation: translation, route: routing.Route{
		Namespace: route.Namespace,
		Name:      route.Name,
		UID:       identityOf(kindHTTPRoute, route),
		Rules:     translation.rules,
	}, services: translation.services}
	for _, l := range g.listeners {
		i := slices.IndexFunc(placements, func(p placement) bool { return p.listener == l })
		if i < 0 {
			continue
		}
		p.listeners = append(p.listeners, l)
		if l.serves() {
			p.route.Attachments = append(p.route.Attachments, routing.Attachment{Listener: l.name(), Hostnames: placements[i].hostnames})
		}
	}
	g.publications = append(g.publications, p)
}
