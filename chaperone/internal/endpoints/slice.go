// Package endpoints turns EndpointSlices into the addresses that serve a port of a Service. It is pure:
// a table that is told of slices, and asked for addresses.
package endpoints

import (
	"net/netip"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/apimachinery/pkg/types"
)

// slice is what is needed of one EndpointSlice.
type slice struct {
	service string
	// ports by name; a name that is there twice keeps its first number.
	ports     map[string]int32
	endpoints []endpoint
}

type endpoint struct {
	address netip.Addr
	state   state
	// target is the UID of the object behind it, a pod; empty where that is not said.
	target types.UID
}

// state of an endpoint; of one address in several slices the best one counts.
type state int

const (
	// away takes no requests.
	away state = iota
	// leaving is terminating and still serves: it takes requests where nothing else does.
	leaving
	// ready takes requests.
	ready
)

// compact keeps what is needed of an EndpointSlice. Slices of names (FQDN) are of no use: ghost dials
// addresses.
func compact(source *discoveryv1.EndpointSlice) *slice {
	s := &slice{service: source.Labels[discoveryv1.LabelServiceName], ports: ports(source.Ports)}
	if source.AddressType == discoveryv1.AddressTypeFQDN {
		return s
	}
	for i := range source.Endpoints {
		state := stateOf(source.Endpoints[i].Conditions)
		if state == away {
			continue
		}
		var target types.UID
		if ref := source.Endpoints[i].TargetRef; ref != nil {
			target = ref.UID
		}
		for _, text := range source.Endpoints[i].Addresses {
			address, err := netip.ParseAddr(text)
			if err != nil || address.Zone() != "" {
				continue
			}
			s.endpoints = append(s.endpoints, endpoint{address: address.Unmap(), state: state, target: target})
		}
	}
	return s
}

const maxPort = 65535

// ports leaves out other protocols than TCP, which is what nil means.
func ports(source []discoveryv1.EndpointPort) map[string]int32 {
	ports := map[string]int32{}
	for _, port := range source {
		if port.Port == nil || *port.Port < 1 || *port.Port > maxPort || (port.Protocol != nil && *port.Protocol != corev1.ProtocolTCP) {
			continue
		}
		name := ""
		if port.Name != nil {
			name = *port.Name
		}
		if _, taken := ports[name]; !taken {
			ports[name] = *port.Port
		}
	}
	return ports
}

// stateOf reads the conditions as discovery.k8s.io/v1 says: ready that is not said is true, serving that
// is not said is what ready is, terminating that is not said is false.
func stateOf(conditions discoveryv1.EndpointConditions) state {
	isReady := orElse(conditions.Ready, true)
	switch {
	case isReady:
		return ready
	case orElse(conditions.Serving, isReady) && orElse(conditions.Terminating, false):
		return leaving
	default:
		return away
	}
}

func orElse(condition *bool, otherwise bool) bool {
	if condition == nil {
		return otherwise
	}
	return *condition
}
