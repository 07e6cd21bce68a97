package controller

import (
	"context"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// addresses of a Gateway are those of its Service: what a load balancer gave it, or else its cluster IPs. Never nil.
func (r *gatewayReconciler) addresses(ctx context.Context, g *Gateway) ([]gatewayv1.GatewayStatusAddress, error) {
	addresses := []gatewayv1.GatewayStatusAddress{}
	service := &corev1.Service{}
	key := client.ObjectKey{Namespace: g.Namespace, Name: workload.NamesOf(g.Name).Service}
	if err := r.cache.Get(ctx, key, service); err != nil {
		return addresses, client.IgnoreNotFound(err)
	}
	if !workload.ControlledBy(service, g.Object.UID) {
		return addresses, nil
	}
	if service.Spec.Type == corev1.ServiceTypeLoadBalancer {
		for _, ingress := range service.Status.LoadBalancer.Ingress {
			if ingress.IP != "" {
				addresses = append(addresses, address(gatewayv1.IPAddressType, ingress.IP))
			} else if ingress.Hostname != "" {
				addresses = append(addresses, address(gatewayv1.HostnameAddressType, ingress.Hostname))
			}
		}
		return limited(addresses), nil
	}
	for _, ip := range service.Spec.ClusterIPs {
		if _, err := netip.ParseAddr(ip); err == nil {
			addresses = append(addresses, address(gatewayv1.IPAddressType, ip))
		}
	}
	return limited(addresses), nil
}

// maxAddresses is what the status of a Gateway can hold.
const maxAddresses = 16

func limited(addresses []gatewayv1.GatewayStatusAddress) []gatewayv1.GatewayStatusAddress {
	return addresses[:min(len(addresses), maxAddresses)]
}

func address(kind gatewayv1.AddressType, value string) gatewayv1.GatewayStatusAddress {
	return gatewayv1.GatewayStatusAddress{Type: &kind, Value: value}
}
