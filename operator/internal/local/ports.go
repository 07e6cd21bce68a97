package local

import (
	"fmt"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
)

// portConflicts finds the Gateways that ask for a port which an earlier one has: in a cluster each has an
// address of its own, here they share one.
func portConflicts(list []translate.Gateway) map[Key]string {
	taken := map[int32]Key{}
	conflicts := map[Key]string{}
	for _, g := range list {
		key := Key{g.Namespace, g.Name}
		for _, socket := range g.Sockets {
			if owner, ok := taken[socket.Port]; ok {
				conflicts[key] = fmt.Sprintf("Port %d is taken by Gateway %s: without a cluster, Gateways share one address.", socket.Port, owner)
				break
			}
		}
		if conflicts[key] != "" {
			continue
		}
		for _, socket := range g.Sockets {
			taken[socket.Port] = key
		}
	}
	return conflicts
}

// addresses of a Gateway, as its status names them.
func addresses(address string) []gatewayv1.GatewayStatusAddress {
	kind := gatewayv1.IPAddressType
	return []gatewayv1.GatewayStatusAddress{{Type: &kind, Value: address}}
}

// accessLog is the form that chaperone is asked for: what the command line says, or else the Gateway.
func accessLog(given string, settings v1alpha1.GatewaySettings) string {
	if given != "" || settings.Logs == nil {
		return orOff(given)
	}
	switch settings.Logs.Access {
	case v1alpha1.AccessLogCommon:
		return "common"
	case v1alpha1.AccessLogJSON:
		return "json"
	}
	return "off"
}

func orOff(form string) string {
	if form == "" {
		return "off"
	}
	return form
}
