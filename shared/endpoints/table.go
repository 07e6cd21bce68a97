package endpoints

import (
	"cmp"
	"net/netip"
	"slices"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// Service names a Service.
type Service struct{ Namespace, Name string }

// Table holds the EndpointSlices by their own names, since a Service may have several that come and
// go apart. It is not safe for concurrent use.
type Table struct {
	// slices by namespace and name of the slice.
	slices map[sliceKey]*slice
	// names of a Service's slices.
	names map[Service]map[string]struct{}
}

type sliceKey struct{ namespace, name string }

// NewTable is an empty table.
func NewTable() *Table {
	return &Table{slices: map[sliceKey]*slice{}, names: map[Service]map[string]struct{}{}}
}

// Set puts an EndpointSlice in the place of the one of that name. A slice without a Service's label
// belongs to nobody. It gives the Services that may now have other endpoints.
func (t *Table) Set(source Slice) []Service {
	affected := t.Delete(source.Namespace, source.Name)
	s := compact(&source)
	if s.service == "" {
		return affected
	}
	t.slices[sliceKey{source.Namespace, source.Name}] = s
	service := Service{source.Namespace, s.service}
	if t.names[service] == nil {
		t.names[service] = map[string]struct{}{}
	}
	t.names[service][source.Name] = struct{}{}
	if len(affected) == 1 && affected[0] == service {
		return affected
	}
	return append(affected, service)
}

// Delete removes an EndpointSlice, and gives the Services that may now have other endpoints.
func (t *Table) Delete(namespace, name string) []Service {
	key := sliceKey{namespace, name}
	old, found := t.slices[key]
	if !found {
		return nil
	}
	delete(t.slices, key)
	service := Service{namespace, old.service}
	delete(t.names[service], name)
	if len(t.names[service]) == 0 {
		delete(t.names, service)
	}
	return []Service{service}
}

// DeleteNamespace removes every EndpointSlice of a namespace.
func (t *Table) DeleteNamespace(namespace string) {
	for key := range t.slices {
		if key.namespace == namespace {
			t.Delete(key.namespace, key.name)
		}
	}
}

// Endpoints are the addresses that serve the named port of a Service now, in order and each once:
// those that are ready or, where none is, those that are terminating and still serve, as kube-proxy
// does it. A pod that has an address of each family is there once, with its IPv4 address: twice, it
// would get twice its share.
func (t *Table) Endpoints(service Service, portName string) []ghostconf.Endpoint {
	best := map[netip.AddrPort]endpoint{}
	highest := away
	for name := range t.names[service] {
		s := t.slices[sliceKey{service.Namespace, name}]
		port, found := s.ports[portName]
		if !found {
			continue
		}
		for _, e := range s.endpoints {
			key := netip.AddrPortFrom(e.address, uint16(port))
			if e.isBetter(best[key]) {
				best[key] = e
			}
			highest = max(highest, e.state)
		}
	}
	serving := make([]netip.AddrPort, 0, len(best))
	for address, e := range best {
		if e.state == highest {
			serving = append(serving, address)
		}
	}
	// IPv4 comes first.
	slices.SortFunc(serving, netip.AddrPort.Compare)
	return oncePerTarget(serving, best)
}

// isBetter says which of two entries of one address counts, whatever order they come in.
func (e endpoint) isBetter(than endpoint) bool {
	return cmp.Or(cmp.Compare(e.state, than.state), cmp.Compare(e.target, than.target)) > 0
}

// oncePerTarget keeps the first address of each target and port, and every address whose target is
// not known.
func oncePerTarget(addresses []netip.AddrPort, endpoints map[netip.AddrPort]endpoint) []ghostconf.Endpoint {
	type key struct {
		target string
		port   uint16
	}
	seen := map[key]bool{}
	chosen := make([]ghostconf.Endpoint, 0, len(addresses))
	for _, address := range addresses {
		target := key{endpoints[address].target, address.Port()}
		if target.target != "" && seen[target] {
			continue
		}
		seen[target] = true
		chosen = append(chosen, ghostconf.Endpoint{Address: address.Addr().String(), Port: int32(address.Port())})
	}
	return ghostconf.SortEndpoints(chosen)
}
