// Package source brings what a gateway pod runs on: its ConfigMaps, its certificates and the endpoints of
// the Services that it routes to. There are two sources behind one interface: files, and Kubernetes (which
// reads the mounted files besides).
package source

import (
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"

	discoveryv1 "k8s.io/api/discovery/v1"

	"github.com/varnish-gateway/gateway/chaperone/internal/tlsterm"
)

// Places that a source reports on.
const (
	PlaceConfig       = "configuration"
	PlaceShards       = "shards"
	PlaceCertificates = "certificates"
	PlaceEndpoints    = "endpoints"
	PlaceTicketKeys   = "session ticket keys"
)

// EveryNamespace stands for all namespaces.
const EveryNamespace = ""

// Config is what the operator publishes. Its parts may be of different moments: readers of routing.json
// know a set of shards that is not complete.
type Config struct {
	// Routing is routing.json, Main is main.vcl; nil where there is none.
	Routing, Main []byte
	// Shards by name, "00" to "31".
	Shards map[string][]byte
	// MayLag says that all this is mounted, and that the API has not been heard yet: it may be older than what an
	// earlier run of this process had.
	MayLag bool
}

// Pairs are certificates with their keys, by name.
type Pairs map[string]tlsterm.Pair

// digest tells contents apart.
func (p Pairs) digest() string {
	hash := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(p)) {
		fmt.Fprintf(hash, "%q %q %q\n", name, p[name].Certificate, p[name].Key)
	}
	return string(hash.Sum(nil))
}

// Sink takes what a source finds. Its methods are safe for concurrent use and do not block.
type Sink interface {
	// SetConfig replaces the configuration.
	SetConfig(Config)
	// SetPairs replaces the certificates.
	SetPairs(Pairs)
	// SetSlice puts an EndpointSlice in the place of the one of that namespace and name.
	SetSlice(*discoveryv1.EndpointSlice)
	// DeleteSlice removes an EndpointSlice.
	DeleteSlice(namespace, name string)
	// SetSynced says that every EndpointSlice of a namespace has been told; the namespace EveryNamespace
	// stands for all.
	SetSynced(namespace string)
	// SetDenied says that a namespace cannot be looked into, and that waiting for it is in vain.
	SetDenied(namespace string)
	// ForgetNamespace says that nothing more will be told of a namespace until it is followed again.
	ForgetNamespace(namespace string)
	// Report says what is wrong with one of the places that this source reads, under a name for the
	// place; an empty message says that it is right again.
	Report(place, message string)
}

// Source finds what a gateway pod runs on.
type Source interface {
	// Run tells sink of everything, and then of every change, until ctx ends. It returns an error only
	// where it cannot work at all.
	Run(ctx context.Context, sink Sink) error
	// Follow says in which namespaces there are Services that are routed to. It may be called at any time.
	Follow(namespaces []string)
}
