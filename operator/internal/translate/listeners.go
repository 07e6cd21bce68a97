package translate

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// reservedPorts are those on which the gateway container itself listens.
var reservedPorts = map[int32]string{
	gatewaypod.HealthPort: "health and metrics",
	gatewaypod.AdminPort:  "the admin API",
}

// listener is a listener of a Gateway while it is translated.
type listener struct {
	spec     *gatewayv1.Listener
	protocol routing.Protocol
	hostname string
	// kinds of routes that the listener takes.
	kinds []gatewayv1.RouteGroupKind
	// from tells whose routes the listener takes; namespaces refines it.
	from       gatewayv1.FromNamespaces
	namespaces labels.Selector
	// refused keeps the listener from being accepted, as conflicts do.
	refused   problems
	conflicts problems
	// overlaps are the names of listeners on the same port with which TLS hostnames overlap.
	overlaps     []string
	unresolved   problems
	certificates []string
	// undecided means that it is not known which certificate would serve on.
	undecided bool
	attached  int32
}

func (l *listener) name() string { return string(l.spec.Name) }

// accepted tells whether the listener's own specification holds.
func (l *listener) accepted() bool { return len(l.refused) == 0 && len(l.conflicts) == 0 }

// opens tells whether the listener's port is to be open.
func (l *listener) opens() bool { return l.accepted() && len(l.kinds) > 0 }

// serves tells whether the listener becomes part of the configuration.
func (l *listener) serves() bool {
	return l.opens() && (l.protocol == routing.ProtocolHTTP || len(l.certificates) > 0)
}

// record is the listener as the contract has it.
func (l *listener) record() routing.Listener {
	return routing.Listener{
		Name: l.name(), Socket: model.Socket{Protocol: l.protocol, Port: l.spec.Port}.Name(), Port: l.spec.Port,
		Protocol: l.protocol, Hostname: l.hostname, Certificates: l.certificates,
	}
}

// translateListeners looks at each listener, then at all together. Certificates that listeners may
// present are put into the bundle.
func translateListeners(g *gatewayv1.Gateway, objects *objects, bundle *bundle) []*listener {
	listeners := make([]*listener, 0, len(g.Spec.Listeners))
	for i := range g.Spec.Listeners {
		l := &listener{spec: &g.Spec.Listeners[i], kinds: []gatewayv1.RouteGroupKind{}}
		if l.spec.Hostname != nil {
			l.hostname = strings.ToLower(string(*l.spec.Hostname))
		}
		listeners = append(listeners, l)
		if !l.checkProtocol() {
			continue
		}
		l.checkPort()
		l.checkHostname()
		l.checkUnsupported(g)
		l.resolveKinds()
		l.resolveNamespaces()
	}
	findConflicts(listeners)
	findOverlaps(listeners)
	for _, l := range listeners {
		if l.protocol == routing.ProtocolHTTPS {
			l.keepPresented(g, objects, bundle)
		}
	}
	for _, l := range listeners {
		if l.protocol == routing.ProtocolHTTPS {
			l.resolveCertificates(g, objects, bundle)
		}
	}
	return listeners
}

func (l *listener) checkProtocol() bool {
	switch l.spec.Protocol {
	case gatewayv1.HTTPProtocolType:
		l.protocol = routing.ProtocolHTTP
	case gatewayv1.HTTPSProtocolType:
		l.protocol = routing.ProtocolHTTPS
	default:
		l.refused.add(string(gatewayv1.ListenerReasonUnsupportedProtocol), "protocol",
			"%s is not supported; HTTP and HTTPS are", l.spec.Protocol)
		return false
	}
	return true
}

func (l *listener) checkPort() {
	if user, reserved := reservedPorts[l.spec.Port]; reserved {
		l.refused.add(string(gatewayv1.ListenerReasonPortUnavailable), "port",
			"%d is taken by the gateway itself, for %s", l.spec.Port, user)
	}
}

// checkHostname refuses a hostname that no host can have, such as one with a label of more than 63 characters (RFC 1035).
func (l *listener) checkHostname() {
	if l.hostname != "" && !routing.ValidHostnamePattern(l.hostname) {
		l.refused.add(string(gatewayv1.ListenerReasonUnsupportedValue), "hostname", "%q is not a hostname", l.hostname)
	}
}

// checkUnsupported refuses what would leave open, if it were ignored, what the user means to be shut.
func (l *listener) checkUnsupported(g *gatewayv1.Gateway) {
	const reason = string(gatewayv1.ListenerReasonUnsupportedValue)
	if l.spec.Filters != nil && len(l.spec.Filters.Requests) > 0 {
		l.refused.add(reason, "filters", "filters of listeners are not supported")
	}
	if l.protocol != routing.ProtocolHTTPS {
		return
	}
	if tls := l.spec.TLS; tls != nil {
		if tls.Mode != nil && *tls.Mode != gatewayv1.TLSModeTerminate {
			l.refused.add(reason, "tls.mode", "%s is not supported for protocol HTTPS", *tls.Mode)
		}
		if len(tls.Options) > 0 {
			l.refused.add(reason, "tls.options", "no options are supported")
		}
	}
	if validatesClients(g.Spec.TLS, l.spec.Port) {
		l.refused.add(reason, "spec.tls.frontend", "validation of client certificates is not supported")
	}
}

// validatesClients tells whether client certificates are asked for on a port: what is said for the port
// stands in place of the default.
func validatesClients(tls *gatewayv1.GatewayTLSConfig, port int32) bool {
	if tls == nil || tls.Frontend == nil {
		return false
	}
	for _, each := range tls.Frontend.PerPort {
		if each.Port == port {
			return each.TLS.Validation != nil
		}
	}
	return tls.Frontend.Default.Validation != nil
}

// resolveKinds keeps the kinds of routes that are supported; all of ours where none is named.
func (l *listener) resolveKinds() {
	group := gatewayv1.Group(gatewayv1.GroupName)
	httpRoute := gatewayv1.RouteGroupKind{Group: &group, Kind: kindHTTPRoute}
	if l.spec.AllowedRoutes == nil || len(l.spec.AllowedRoutes.Kinds) == 0 {
		l.kinds = append(l.kinds, httpRoute)
		return
	}
	for i, kind := range l.spec.AllowedRoutes.Kinds {
		switch {
		case kind.Group != nil && *kind.Group != group, kind.Kind != kindHTTPRoute:
			l.unresolved.add(string(gatewayv1.ListenerReasonInvalidRouteKinds), index("allowedRoutes.kinds", i),
				"%s is not supported; HTTPRoute is", describeKind(kind.Group, kind.Kind))
		case len(l.kinds) == 0:
			l.kinds = append(l.kinds, httpRoute)
		}
	}
}

func describeKind(group *gatewayv1.Group, kind gatewayv1.Kind) string {
	if group == nil || *group == gatewayv1.GroupName {
		return string(kind)
	}
	return fmt.Sprintf("%s of group %q", kind, *group)
}

// resolveNamespaces reads whose routes the listener takes; those of its own namespace by default.
func (l *listener) resolveNamespaces() {
	l.from = gatewayv1.NamespacesFromSame
	if l.spec.AllowedRoutes == nil || l.spec.AllowedRoutes.Namespaces == nil {
		return
	}
	namespaces := l.spec.AllowedRoutes.Namespaces
	if namespaces.From != nil {
		l.from = *namespaces.From
	}
	switch l.from {
	case gatewayv1.NamespacesFromAll, gatewayv1.NamespacesFromSame, gatewayv1.NamespacesFromNone:
	case gatewayv1.NamespacesFromSelector:
		selector, err := metav1.LabelSelectorAsSelector(namespaces.Selector)
		if err != nil {
			l.refused.add(string(gatewayv1.ListenerReasonUnsupportedValue), "allowedRoutes.namespaces.selector", "%v", err)
			selector = labels.Nothing()
		}
		l.namespaces = selector
	default:
		l.refused.add(string(gatewayv1.ListenerReasonUnsupportedValue), "allowedRoutes.namespaces.from",
			"%s is not supported", l.from)
	}
}

// takesNamespace tells whether routes of a namespace may attach.
func (l *listener) takesNamespace(gateway, route string, objects *objects) bool {
	switch l.from {
	case gatewayv1.NamespacesFromAll:
		return true
	case gatewayv1.NamespacesFromSame:
		return gateway == route
	case gatewayv1.NamespacesFromSelector:
		return l.namespaces.Matches(objects.namespaceLabels(route))
	default:
		return false
	}
}

// isSecret tells whether a certificateRef names a core Secret.
func isSecret(ref gatewayv1.SecretObjectReference) bool {
	return (ref.Group == nil || *ref.Group == corev1.GroupName) && (ref.Kind == nil || *ref.Kind == kindSecret)
}
