package ghostconf

import (
	"cmp"
	"encoding/json/v2"
	"fmt"
	"net/netip"
	"slices"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Encode writes the canonical bytes of a configuration: this build's Version, routes ordered by namespace and
// name, services by ID, endpoints by address and port, each once. Config itself is not changed.
func Encode(config Config) ([]byte, error) {
	config.Version = Version
	config.Routes = slices.SortedStableFunc(slices.Values(config.Routes), compareRoutes)
	config.Services = slices.SortedStableFunc(slices.Values(config.Services), compareServices)
	for i := range config.Services {
		config.Services[i].Endpoints = SortEndpoints(config.Services[i].Endpoints)
	}
	config.CachePolicies = slices.SortedStableFunc(slices.Values(config.CachePolicies), compareCachePolicies)
	data, err := contract.Encode(config)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", File, err)
	}
	return data, nil
}

// Decode reads ghost.json. Members that this build does not know are ignored. The whole file is refused with a
// *contract.SyntaxError or a *contract.MajorError; problems of single records are for Validate.
func Decode(data []byte) (Config, error) {
	var config Config
	if err := codec.Decode(data, &config, &config.Version); err != nil {
		return Config{}, err
	}
	return config, nil
}

// DecodeStrict is Decode, except that a member which this build does not know is an error. It is for writers
// that check their own output.
func DecodeStrict(data []byte) (Config, error) {
	var config Config
	if err := codec.DecodeStrict(data, &config, &config.Version); err != nil {
		return Config{}, err
	}
	return config, nil
}

// Next gives the bytes to write for a content, whose own Sequence does not matter. If the live bytes say exactly
// that already, they are given back unchanged; otherwise the sequence continues from theirs.
func Next(live []byte, content Config) (data []byte, changed bool, err error) {
	return contract.Continue(live, func(sequence int64) ([]byte, error) {
		content.Sequence = sequence
		return Encode(content)
	})
}

// DecodeReloadResult reads what ghost answered to a reload. It has no version: it is part of the VCL contract,
// and members that this build does not know are ignored.
func DecodeReloadResult(data []byte) (ReloadResult, error) {
	var result ReloadResult
	if err := json.Unmarshal(data, &result); err != nil {
		return ReloadResult{}, fmt.Errorf("parse ghost's answer to a reload: %w", err)
	}
	return result, nil
}

// EncodeReloadResult writes the canonical bytes of an answer to a reload.
func EncodeReloadResult(result ReloadResult) ([]byte, error) {
	data, err := contract.Encode(result)
	if err != nil {
		return nil, fmt.Errorf("encode answer to a reload: %w", err)
	}
	return data, nil
}

// SortEndpoints gives endpoints ordered by address and port, each once: IPv4 before IPv6, addresses as
// numbers, and what is no address last. The list itself is not changed.
func SortEndpoints(endpoints []Endpoint) []Endpoint {
	ordered := slices.SortedFunc(slices.Values(endpoints), compareEndpoints)
	return slices.Compact(ordered)
}

func compareRoutes(a, b routing.Route) int {
	return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
}

func compareServices(a, b Service) int { return cmp.Compare(a.ID, b.ID) }

func compareCachePolicies(a, b routing.CachePolicy) int { return cmp.Compare(a.ID, b.ID) }

func compareEndpoints(a, b Endpoint) int {
	addressA, errA := netip.ParseAddr(a.Address)
	addressB, errB := netip.ParseAddr(b.Address)
	switch {
	case errA != nil && errB == nil:
		return 1
	case errA == nil && errB != nil:
		return -1
	}
	return cmp.Or(addressA.Compare(addressB), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Port, b.Port))
}
