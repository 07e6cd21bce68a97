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
	"k8s.io/apimachinery/pkg/types"

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

// Update is what a source has found out at one moment. What is empty has not changed.
type Update struct {
	// Config replaces the configuration; nil where it has not changed.
	Config *Config
	// Pairs replace the certificates; nil where they have not changed.
	Pairs Pairs
	// Slices take the place of the EndpointSlices of the same namespaces and names, and Deleted are gone.
	Slices  []*discoveryv1.EndpointSlice
	Deleted []types.NamespacedName
	// Synced are namespaces of which every EndpointSlice has been told, with this Update; EveryNamespace stands for all.
	Synced []string
	// Denied are namespaces that cannot be looked into: waiting for them is in vain.
	Denied []string
	// Forgotten are namespaces of which nothing more will be told until they are followed again.
	Forgotten []string
	// Reports say what is wrong with places that the source reads, by the place's name; an empty one, that it is right
	// again.
	Reports map[string]string
}

// report says what is wrong with a place.
func (u *Update) report(place, message string) {
	if u.Reports == nil {
		u.Reports = map[string]string{}
	}
	u.Reports[place] = message
}

func (u *Update) isEmpty() bool {
	return u.Config == nil && u.Pairs == nil && len(u.Reports) == 0 &&
		len(u.Slices)+len(u.Deleted)+len(u.Synced)+len(u.Denied)+len(u.Forgotten) == 0
}

// Sink takes what a source finds.
type Sink interface {
	// Take is safe for concurrent use and does not block. What comes in one Update takes effect together.
	Take(Update)
}

// Source finds what a gateway pod runs on.
type Source interface {
	// Run tells sink of everything, and then of every change, until ctx ends. It returns an error only
	// where it cannot work at all.
	Run(ctx context.Context, sink Sink) error
	// Follow says in which namespaces there are Services that are routed to. It may be called at any time.
	Follow(namespaces []string)
}
