// Package merge makes ghost.json of routing.json and endpoints. It is pure. Endpoints change far more often
// than routes, and there may be thousands of those: so routes are encoded once, and the rest each time.
package merge

import (
	"bytes"
	"fmt"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Document is a routing.json that is ready to be merged with endpoints.
type Document struct {
	// head is everything but routes and services.
	head routing.Config
	// routes is their canonical encoding.
	routes   []byte
	count    int
	services []routing.Service
	// diagnostics tell of records that ghost.json does not repeat.
	diagnostics []routing.Diagnostic
	// Digest of the routing.json as it was published; empty where that is not known.
	Digest string
}

// Ghost is a ghost.json.
type Ghost struct {
	// Data are the bytes, equal to what ghostconf.Encode gives.
	Data []byte
	// Changed says that they differ from those that were live.
	Changed bool
	// Sequence of this ghost.json, and of the routing.json in it.
	Sequence, RoutingSequence int64
	// Routes, Services and Endpoints in it.
	Routes, Services, Endpoints int
	// Document that it was made of; nil where that is not known.
	Document *Document
	// Digest of the routing.json as it was published; empty where that is not known.
	Digest string
}

const (
	routesKey   = `"routes":[`
	servicesKey = `"services":[`
)

// features are those of this gateway beyond the baseline of the contract.
var features = routing.NewFeatures()

// emptyTail is how the canonical encoding of a configuration without routes and services ends.
var emptyTail = []byte(`"routes":[],"services":[]}`)

// Prepare takes a complete routing.json, after routing.Join.
func Prepare(complete routing.Config) (*Document, error) {
	whole := ghostconf.FromRouting(complete, nil)
	whole.Services = nil
	data, err := ghostconf.Encode(whole)
	if err != nil {
		return nil, fmt.Errorf("encoding routes: %w", err)
	}
	start := bytes.Index(data, []byte(routesKey))
	tail := []byte(`,"services":[]}`)
	if start < 0 || !bytes.HasSuffix(data, tail) {
		return nil, fmt.Errorf("encoding routes: the form of %s has changed", ghostconf.File)
	}
	d := &Document{
		head: complete, services: complete.Services, count: len(complete.Routes),
		routes:      bytes.Clone(data[start : len(data)-len(tail)]),
		diagnostics: routing.ValidateOwn(complete, features),
	}
	d.head.Routes, d.head.Services = nil, nil
	return d, nil
}

// Sequence of routing.json.
func (d *Document) Sequence() int64 { return d.head.Sequence }

// Diagnostics tell of records that are inert, as far as ghost does not tell of them itself.
func (d *Document) Diagnostics() []routing.Diagnostic { return d.diagnostics }

// Routing gives the complete routing.json, without shards.
func (d *Document) Routing() ([]byte, error) {
	head := d.head
	head.Services = d.services
	data, err := routing.Encode(head)
	if err != nil {
		return nil, fmt.Errorf("encoding the complete %s: %w", routing.File, err)
	}
	if d.count == 0 {
		return data, nil
	}
	// Routes come before services, which are the last member: neither key can stand in what is before them.
	at := len(data) - 1
	if len(d.services) > 0 {
		at = bytes.Index(data, []byte(servicesKey))
	}
	whole := append(make([]byte, 0, len(data)+len(d.routes)+1), data[:at]...)
	if len(d.services) > 0 {
		return append(append(append(whole, d.routes...), ','), data[at:]...), nil
	}
	return append(append(append(whole, ','), d.routes...), data[at:]...), nil
}

// Listeners of the Gateway.
func (d *Document) Listeners() []routing.Listener { return d.head.Listeners }

// Services that the routes refer to.
func (d *Document) Services() []routing.Service { return d.services }

// Ghost merges with what endpoints gives for each service. Where the content is that of live, so is the
// result; else its sequence continues from there.
func (d *Document) Ghost(live []byte, endpoints func(routing.Service) []ghostconf.Endpoint) (Ghost, error) {
	ghost := Ghost{RoutingSequence: d.head.Sequence, Routes: d.count, Services: len(d.services), Document: d, Digest: d.Digest}
	services, count, err := d.encodeServices(endpoints)
	if err != nil {
		return Ghost{}, err
	}
	ghost.Endpoints = count
	ghost.Data, ghost.Changed, err = contract.Continue(live, func(sequence int64) ([]byte, error) {
		ghost.Sequence = sequence
		return d.join(sequence, services)
	})
	return ghost, err
}

// encodeServices gives the canonical encoding of the service table, and the number of endpoints in it.
func (d *Document) encodeServices(endpoints func(routing.Service) []ghostconf.Endpoint) ([]byte, int, error) {
	byID := make(map[string][]ghostconf.Endpoint, len(d.services))
	count := 0
	for _, service := range d.services {
		found := endpoints(service)
		byID[service.ID] = found
		count += len(found)
	}
	table := ghostconf.FromRouting(routing.Config{Services: d.services}, byID)
	data, err := ghostconf.Encode(table)
	if err != nil {
		return nil, 0, fmt.Errorf("encoding services: %w", err)
	}
	start := bytes.Index(data, []byte(servicesKey))
	if start < 0 {
		return nil, 0, fmt.Errorf("encoding services: the form of %s has changed", ghostconf.File)
	}
	return data[start:], count, nil
}

// join puts the parts together. services ends the whole.
func (d *Document) join(sequence int64, services []byte) ([]byte, error) {
	head := ghostconf.FromRouting(d.head, nil)
	head.Sequence = sequence
	data, err := ghostconf.Encode(head)
	if err != nil {
		return nil, fmt.Errorf("encoding listeners: %w", err)
	}
	data, ok := bytes.CutSuffix(data, emptyTail)
	if !ok {
		return nil, fmt.Errorf("encoding listeners: the form of %s has changed", ghostconf.File)
	}
	whole := make([]byte, 0, len(data)+len(d.routes)+len(services)+1)
	whole = append(append(whole, data...), d.routes...)
	return append(append(whole, ','), services...), nil
}
