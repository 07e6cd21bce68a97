package gather

import (
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// References are the objects that Gateways of ours and their routes name, whether they exist or not. An event of
// any other object of these kinds changes nothing.
type References struct {
	Services, Secrets, ConfigMaps map[types.NamespacedName]bool
	// Namespaces tells whether the labels of namespaces matter.
	Namespaces bool
}

// ReferencesOf reads the references out of the classes, Gateways, routes and parameters in the inputs, from which
// everything that is not ours has been taken away.
func ReferencesOf(in inputs.Inputs) References {
	r := References{
		Services:   map[types.NamespacedName]bool{},
		Secrets:    map[types.NamespacedName]bool{},
		ConfigMaps: map[types.NamespacedName]bool{},
	}
	for _, gateway := range in.Gateways {
		r.addListeners(gateway)
	}
	for _, route := range in.HTTPRoutes {
		r.addBackends(route)
	}
	for _, parameters := range in.GatewayClassParameters {
		if vcl := parameters.Spec.VCL; vcl != nil {
			r.ConfigMaps[types.NamespacedName{Namespace: vcl.Namespace, Name: vcl.Name}] = true
		}
	}
	for _, parameters := range in.GatewayParameters {
		if vcl := parameters.Spec.VCL; vcl != nil {
			r.ConfigMaps[types.NamespacedName{Namespace: parameters.Namespace, Name: vcl.Name}] = true
		}
	}
	return r
}

func (r *References) addListeners(gateway *gatewayv1.Gateway) {
	for i := range gateway.Spec.Listeners {
		l := &gateway.Spec.Listeners[i]
		if a := l.AllowedRoutes; a != nil && a.Namespaces != nil && a.Namespaces.From != nil &&
			*a.Namespaces.From == gatewayv1.NamespacesFromSelector {
			r.Namespaces = true
		}
		if l.TLS == nil {
			continue
		}
		for _, ref := range l.TLS.CertificateRefs {
			if (ref.Group == nil || *ref.Group == corev1.GroupName) && (ref.Kind == nil || *ref.Kind == "Secret") {
				r.Secrets[named(gateway.Namespace, ref.Namespace, ref.Name)] = true
			}
		}
	}
}

func (r *References) addBackends(route *gatewayv1.HTTPRoute) {
	for i := range route.Spec.Rules {
		for _, ref := range route.Spec.Rules[i].BackendRefs {
			if (ref.Group == nil || *ref.Group == corev1.GroupName) && (ref.Kind == nil || *ref.Kind == "Service") {
				r.Services[named(route.Namespace, ref.Namespace, ref.Name)] = true
			}
		}
	}
}

func named(namespace string, other *gatewayv1.Namespace, name gatewayv1.ObjectName) types.NamespacedName {
	if other != nil {
		namespace = string(*other)
	}
	return types.NamespacedName{Namespace: namespace, Name: string(name)}
}

// ours takes away the classes of other controllers, their Gateways, and the routes that name no Gateway
// of ours, and notes that they are elsewhere. A Gateway whose class does not exist is ours where we have
// made objects for it.
func ours(in *inputs.Inputs, made func(*gatewayv1.Gateway) (bool, error)) error {
	var failed error
	classes := map[gatewayv1.ObjectName]bool{}
	in.GatewayClasses = kept(in.GatewayClasses, func(c *gatewayv1.GatewayClass) bool {
		classes[gatewayv1.ObjectName(c.Name)] = c.Spec.ControllerName == in.Options.Controller()
		return classes[gatewayv1.ObjectName(c.Name)]
	})
	gateways, classless := map[types.NamespacedName]bool{}, map[string]bool{}
	in.Elsewhere = inputs.Elsewhere{Gateways: map[types.NamespacedName]bool{}, HTTPRoutes: map[types.NamespacedName]bool{}}
	in.Gateways = kept(in.Gateways, func(g *gatewayv1.Gateway) bool {
		// One that is being deleted takes no routes any more; what is left of it is collected.
		isOurs, exists := classes[g.Spec.GatewayClassName]
		if !exists && g.DeletionTimestamp.IsZero() {
			served, err := made(g)
			if failed = errors.Join(failed, err); served {
				classless[g.Namespace+"/"+g.Name], isOurs = true, true
			}
		}
		key := types.NamespacedName{Namespace: g.Namespace, Name: g.Name}
		if !isOurs || !g.DeletionTimestamp.IsZero() {
			in.Elsewhere.Gateways[key] = true
			return false
		}
		gateways[key] = true
		return true
	})
	in.HTTPRoutes = kept(in.HTTPRoutes, func(route *gatewayv1.HTTPRoute) bool {
		for _, ref := range route.Spec.ParentRefs {
			if gateways[named(route.Namespace, ref.Namespace, ref.Name)] {
				return true
			}
		}
		in.Elsewhere.HTTPRoutes[types.NamespacedName{Namespace: route.Namespace, Name: route.Name}] = true
		return false
	})
	in.Classless = classless
	return failed
}

func kept[T any](list []T, keep func(T) bool) []T {
	var rest []T
	for _, each := range list {
		if keep(each) {
			rest = append(rest, each)
		}
	}
	return rest
}
