package controller

import (
	"context"
	"fmt"
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// pods of a Gateway, as the cache knows them.
func (r *gatewayReconciler) pods(ctx context.Context, w workload.Gateway) ([]dataplane.Pod, error) {
	var list corev1.PodList
	labels := client.MatchingLabels(workload.Selector(w.Object.Name))
	if err := r.cache.List(ctx, &list, client.InNamespace(w.Object.Namespace), labels); err != nil {
		return nil, fmt.Errorf("list the pods of Gateway %s: %w", w.Key(), err)
	}
	pods := make([]dataplane.Pod, 0, len(list.Items))
	for i := range list.Items {
		pod := &list.Items[i]
		pods = append(pods, dataplane.Pod{
			Name: pod.Name, UID: string(pod.UID), IP: pod.Status.PodIP, Ready: isReady(pod),
			Leaving: !pod.DeletionTimestamp.IsZero() || pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded,
		})
	}
	return pods, nil
}

func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}

// addresses of a Gateway are those of its Service: what a load balancer gave it, or else its cluster IPs. Never nil.
func (r *gatewayReconciler) addresses(ctx context.Context, g *Gateway) ([]gatewayv1.GatewayStatusAddress, error) {
	addresses := []gatewayv1.GatewayStatusAddress{}
	service := &corev1.Service{}
	key := client.ObjectKey{Namespace: g.Namespace, Name: workload.NamesOf(g.Name).Service}
	if err := r.cache.Get(ctx, key, service); err != nil {
		return addresses, client.IgnoreNotFound(err)
	}
	if !apply.OwnedBy(service, string(g.Object.UID)) {
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
