package manifest

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// DefaultClass is the GatewayClass that exists even where no manifest declares it.
const DefaultClass = "varnish"

// Inputs is the set as translation wants it. The namespaces of all objects exist, and so does the
// GatewayClass "varnish", whether or not a manifest declares them.
func (s *Set) Inputs(options inputs.Options) inputs.Inputs {
	in := inputs.Inputs{
		Services:   Of[*corev1.Service](s),
		Secrets:    Of[*corev1.Secret](s),
		ConfigMaps: Of[*corev1.ConfigMap](s),
		Namespaces: s.namespaces(),
		Options:    options,
	}
	for _, object := range Of[metav1.Object](s) {
		for i := range inputs.Kinds {
			inputs.Kinds[i].Add(&in, object)
		}
	}
	in.GatewayClasses = withDefaultClass(in.GatewayClasses, options.Controller())
	return in
}

func withDefaultClass(classes []*gatewayv1.GatewayClass, controller gatewayv1.GatewayController) []*gatewayv1.GatewayClass {
	for _, class := range classes {
		if class.Name == DefaultClass {
			return classes
		}
	}
	class := &gatewayv1.GatewayClass{
		ObjectMeta: metav1.ObjectMeta{Name: DefaultClass, Generation: 1, CreationTimestamp: epoch},
		Spec:       gatewayv1.GatewayClassSpec{ControllerName: controller},
	}
	in := inputs.Inputs{GatewayClasses: append([]*gatewayv1.GatewayClass{class}, classes...)}
	in.Sort()
	return in.GatewayClasses
}

// namespaces adds to the declared ones those that objects live in.
func (s *Set) namespaces() []*corev1.Namespace {
	found := Of[*corev1.Namespace](s)
	known := map[string]bool{"": true}
	for _, n := range found {
		known[n.Name] = true
	}
	for key := range s.entries {
		if known[key.Namespace] {
			continue
		}
		known[key.Namespace] = true
		n := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: key.Namespace, Generation: 1, CreationTimestamp: epoch}}
		admitNamespace(n)
		found = append(found, n)
	}
	in := inputs.Inputs{Namespaces: found}
	in.Sort()
	return in.Namespaces
}
