package local

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/model"
)

// claim are the ports that a Gateway has or is to have.
type claim struct {
	key   Key
	ports []int32
}

// portConflicts finds the Gateways that claim a port which an earlier one has: in a cluster each has an
// address of its own, here they share one.
func portConflicts(claims []claim) map[Key]string {
	taken := map[int32]Key{}
	conflicts := map[Key]string{}
	for _, c := range claims {
		for _, port := range c.ports {
			if owner, ok := taken[port]; ok {
				conflicts[c.key] = fmt.Sprintf("Port %d is taken by Gateway %s: without a cluster, Gateways share one address.", port, owner)
				break
			}
		}
		if conflicts[c.key] != "" {
			continue
		}
		for _, port := range c.ports {
			taken[port] = c.key
		}
	}
	return conflicts
}

func portsOf(sockets []model.Socket) []int32 {
	var ports []int32
	for _, socket := range sockets {
		ports = append(ports, socket.Port)
	}
	return ports
}

// addresses of a Gateway, as its status names them.
func addresses(address string) []gatewayv1.GatewayStatusAddress {
	kind := gatewayv1.IPAddressType
	return []gatewayv1.GatewayStatusAddress{{Type: &kind, Value: address}}
}
