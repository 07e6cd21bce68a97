package workload

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// Service through which the Gateway is reached.
func (g Gateway) Service() *corev1.Service {
	settings := v1alpha1.Service{}
	if g.Settings.Service != nil {
		settings = *g.Settings.Service
	}
	service := &corev1.Service{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Service"},
		ObjectMeta: g.owned(NamesOf(g.Object.Name).Service),
		Spec: corev1.ServiceSpec{
			Type:                     settings.Type,
			Selector:                 Selector(g.Object.Name),
			ExternalTrafficPolicy:    settings.ExternalTrafficPolicy,
			LoadBalancerSourceRanges: settings.LoadBalancerSourceRanges,
		},
	}
	if service.Spec.Type == "" {
		service.Spec.Type = corev1.ServiceTypeLoadBalancer
	}
	service.Annotations = over(settings.Annotations, service.Annotations)
	for _, socket := range g.Sockets {
		service.Spec.Ports = append(service.Spec.Ports, corev1.ServicePort{
			Name: socket.Name(), Port: socket.Port, TargetPort: intstr.FromInt32(socket.Port), Protocol: corev1.ProtocolTCP,
		})
	}
	return service
}
