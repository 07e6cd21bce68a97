// Package endpoints says which addresses serve a port of a Service, by the EndpointSlices that
// there are. It is pure: a table that is told of slices, and asked for addresses. It knows no
// Kubernetes library: whoever reads slices says in the words of this package what they hold.
package endpoints

import "net/netip"

// Slice is what is needed of an EndpointSlice (discovery.k8s.io/v1).
type Slice struct {
	Namespace string
	Name      string
	// Service is what the label kubernetes.io/service-name says; a slice without it belongs to
	// nobody.
	Service string
	// AddressType is "IPv4", "IPv6" or "FQDN".
	AddressType string
	Ports       []Port
	Endpoints   []Endpoint
}

// Port of a slice.
type Port struct {
	// Name is empty where the slice gives none.
	Name string
	// Number is nil where the slice gives none: such a port cannot be connected to.
	Number *int32
	// Protocol is empty where the slice gives none, which means TCP.
	Protocol string
}

// Endpoint of a slice. A condition is nil where the slice does not say it.
type Endpoint struct {
	Addresses   []string
	Ready       *bool
	Serving     *bool
	Terminating *bool
	// Target is the UID of the object behind the endpoint, a pod; empty where that is not said.
	Target string
}

// addressTypeFQDN is the type of slices with names: what is connected to are addresses.
const addressTypeFQDN = "FQDN"

// protocolTCP is the only protocol that backends are spoken to over.
const protocolTCP = "TCP"

// slice is what a table keeps of one.
type slice struct {
	service string
	// ports by name; a name that is there twice keeps its first number.
	ports     map[string]int32
	endpoints []endpoint
}

type endpoint struct {
	address netip.Addr
	state   state
	target  string
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

// compact keeps what is needed of a slice.
func compact(source *Slice) *slice {
	s := &slice{service: source.Service, ports: ports(source.Ports)}
	if source.AddressType == addressTypeFQDN {
		return s
	}
	for i := range source.Endpoints {
		state := source.Endpoints[i].state()
		if state == away {
			continue
		}
		for _, text := range source.Endpoints[i].Addresses {
			address, err := netip.ParseAddr(text)
			if err != nil || address.Zone() != "" {
				continue
			}
			s.endpoints = append(s.endpoints, endpoint{address: address.Unmap(), state: state, target: source.Endpoints[i].Target})
		}
	}
	return s
}

const maxPort = 65535

// ports leaves out other protocols than TCP.
func ports(source []Port) map[string]int32 {
	ports := map[string]int32{}
	for _, port := range source {
		if port.Number == nil || *port.Number < 1 || *port.Number > maxPort || (port.Protocol != "" && port.Protocol != protocolTCP) {
			continue
		}
		if _, taken := ports[port.Name]; !taken {
			ports[port.Name] = *port.Number
		}
	}
	return ports
}

// state reads the conditions as discovery.k8s.io/v1 says: ready that is not said is true, serving
// that is not said is what ready is, terminating that is not said is false.
func (e *Endpoint) state() state {
	isReady := orElse(e.Ready, true)
	switch {
	case isReady:
		return ready
	case orElse(e.Serving, isReady) && orElse(e.Terminating, false):
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
