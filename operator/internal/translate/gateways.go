package translate

import (
	"cmp"
	"maps"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/operator/internal/policy"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// gateway is a Gateway of ours while it is translated.
type gateway struct {
	object     *gatewayv1.Gateway
	parameters parameters
	listeners  []*listener
	// classGone says that there is no GatewayClass of the name that the Gateway says: what it decides stays as it is.
	classGone bool
	// passDoor is how requests that are not cached reach their backends, directPass the condition that says so.
	passDoor   mainvcl.PassDoor
	directPass report.Condition
	// problems keep the Gateway from being accepted.
	problems problems
	// ignored are fields that are not supported, and without which the rest holds.
	ignored      problems
	certificates bundle
	// publications are the routes that are attached.
	publications []publication
	// tooLarge are the attached routes that are beyond a limit.
	tooLarge map[*gatewayv1.HTTPRoute]problem
	// routes that are published.
	routes []routing.Route
	// services by their ID.
	services map[string]routing.Service
	// cachePolicies that rules of the routes name, by their ID.
	cachePolicies map[string]routing.CachePolicy
	// affected are the attached routes that cache policies hold for, with the names of these.
	affected map[*gatewayv1.HTTPRoute][]string
	// policies that are attached to the Gateway, the routes and their services.
	policies policy.Standings
}

// gateways are the Gateways of ours.
type gateways struct {
	ordered []*gateway
	byKey   map[objectKey]*gateway
}

func translateGateways(in inputs.Inputs, classes classes, objects *objects) gateways {
	all := gateways{byKey: make(map[objectKey]*gateway)}
	for _, object := range sorted(in.Gateways) {
		of := classes.byName[string(object.Spec.GatewayClassName)]
		if of == nil && in.Classless[object.Namespace+"/"+object.Name] {
			of = &class{options: in.Options}
		}
		if of == nil {
			continue
		}
		g := translateGateway(object, of, in.Options, objects)
		all.ordered = append(all.ordered, g)
		all.byKey[objectKey{object.Namespace, object.Name}] = g
	}
	return all
}

func translateGateway(object *gatewayv1.Gateway, class *class, options inputs.Options, objects *objects) *gateway {
	g := &gateway{
		object:        object,
		certificates:  newBundle(),
		services:      make(map[string]routing.Service),
		cachePolicies: make(map[string]routing.CachePolicy),
	}
	if g.classGone = class.object == nil; !g.classGone {
		g.resolveParameters(class, options, objects)
	}
	g.passDoor, g.directPass = passDoor(g.parameters.settings.PassDoor, g.parameters.vcl)
	g.checkAddresses()
	g.checkUnsupported()
	g.listeners = translateListeners(object, objects, &g.certificates)
	return g
}

// resolveParameters settles what the class and the Gateway's own parameters say.
func (g *gateway) resolveParameters(class *class, options inputs.Options, objects *objects) {
	if len(class.problems) > 0 {
		g.problems.add(reasonInvalidParameters, "spec.gatewayClassName",
			"the parameters of GatewayClass %q are not valid", class.object.Name)
		return
	}
	g.parameters = class.parameters
	if ref := g.parametersRef(); ref != nil {
		own := objects.gatewayParameters[objectKey{g.object.Namespace, ref.Name}]
		switch {
		case ref.Group != v1alpha1.GroupName || ref.Kind != v1alpha1.KindGatewayParameters:
			g.problems.add(reasonInvalidParameters, "spec.infrastructure.parametersRef",
				"must name a %s of group %s, not %s of group %q",
				v1alpha1.KindGatewayParameters, v1alpha1.GroupName, ref.Kind, ref.Group)
		case own == nil:
			g.problems.add(reasonInvalidParameters, "spec.infrastructure.parametersRef.name",
				"%s %q does not exist", v1alpha1.KindGatewayParameters, ref.Name)
		default:
			resolved, found := objects.withGatewayParameters(class.parameters, own)
			g.parameters = resolved
			g.problems = append(g.problems, found.within(v1alpha1.KindGatewayParameters+" "+ref.Name)...)
		}
	}
	if g.parameters.settings.TrustedHops == nil {
		g.parameters.settings.TrustedHops = options.TrustedHops
	}
}

func (g *gateway) parametersRef() *gatewayv1.LocalParametersReference {
	if g.object.Spec.Infrastructure == nil {
		return nil
	}
	return g.object.Spec.Infrastructure.ParametersRef
}

// checkAddresses refuses static addresses: only a type without a value, which asks for any, is served.
func (g *gateway) checkAddresses() {
	for i, address := range g.object.Spec.Addresses {
		field := index("spec.addresses", i)
		reason := string(gatewayv1.GatewayReasonUnsupportedAddress)
		switch {
		case address.Type != nil && *address.Type != gatewayv1.IPAddressType:
			g.problems.add(reason, field+".type", "addresses of type %s are not supported", *address.Type)
		case address.Value != "":
			g.problems.add(reason, field+".value", "static addresses are not supported")
		case address.Routability != gatewayv1.GatewayAddressRoutabilityDefault:
			g.problems.add(reason, field+".routability", "is not supported")
		}
	}
}

// checkUnsupported names what the Gateway asks for beyond what is served.
func (g *gateway) checkUnsupported() {
	const reason = string(gatewayv1.RouteReasonUnsupportedValue)
	spec := g.object.Spec
	if a := spec.AllowedListeners; a != nil && a.Namespaces != nil && a.Namespaces.From != nil &&
		*a.Namespaces.From != gatewayv1.NamespacesFromNone {
		g.ignored.add(reason, "spec.allowedListeners", "ListenerSets are not supported")
	}
	if spec.DefaultScope != "" && spec.DefaultScope != gatewayv1.GatewayDefaultScopeNone {
		g.ignored.add(reason, "spec.defaultScope", "default Gateways are not supported")
	}
	if spec.TLS != nil && spec.TLS.Backend != nil {
		g.ignored.add(reason, "spec.tls.backend", "client certificates for backends are not supported")
	}
}

// serves tells whether the Gateway can be taken as it stands.
func (g *gateway) serves() bool { return len(g.problems) == 0 }

// result gives the Gateway away, once all routes are attached.
func (g *gateway) result() Gateway {
	r := Gateway{
		Namespace:       g.object.Namespace,
		Name:            g.object.Name,
		Settings:        g.parameters.settings,
		SettingsUnknown: g.classGone || !g.serves(),
		Undecided:       slices.ContainsFunc(g.listeners, func(l *listener) bool { return l.undecided }),
	}
	g.certificates.describe(g.listeners)
	r.Certificates = g.certificates.files
	r.Sockets = sockets(g.listeners, g.parameters.settings.Ports)
	r.Model = &model.Gateway{PassDoor: g.passDoor, VCL: g.parameters.vcl, Config: routing.Config{
		Version:  routing.Version,
		Gateway:  routing.Gateway{Namespace: g.object.Namespace, Name: g.object.Name, UID: identityOf(kindGateway, g.object)},
		Settings: g.parameters.forAllRequests(),
		// The field is required: an empty list is not left out.
		Listeners: []routing.Listener{},
		Routes:    g.routes,
		Services: slices.SortedFunc(maps.Values(g.services), func(a, b routing.Service) int {
			return cmp.Or(
				cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.Port, b.Port),
			)
		}),
		CachePolicies: g.namedCachePolicies(),
	}}
	for _, l := range g.listeners {
		if l.serves() {
			r.Model.Listeners = append(r.Model.Listeners, l.record())
		}
	}
	return r
}

// sockets are the openings that the listeners need, ordered by port. One whose certificate is missing is among
// them: a certificate that comes or goes must not restart anything.
func sockets(listeners []*listener, ports []v1alpha1.ListenerPort) []model.Socket {
	byPort := make(map[int32]model.Socket)
	for _, l := range listeners {
		if l.opens() {
			byPort[l.spec.Port] = model.Socket{Protocol: l.protocol, Port: l.spec.Port}
		}
	}
	for _, each := range ports {
		if socket, ok := byPort[each.Port]; ok {
			socket.ProxyProtocol = each.ProxyProtocol == v1alpha1.ProxyProtocolV2
			byPort[each.Port] = socket
		}
	}
	return slices.SortedFunc(maps.Values(byPort), func(a, b model.Socket) int { return cmp.Compare(a.Port, b.Port) })
}
