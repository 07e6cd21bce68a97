// Package tlsterm terminates TLS for the Gateway's HTTPS listeners; see package proxy for what comes before a
// handshake and after it.
//
// Which certificate a client gets is decided by the name that it asks for (SNI): the most specific
// listener of the port that covers the name, and of that listener's certificates the first that the
// client can use. What names a certificate is valid for is not looked at: that a listener presents it is
// the user's decision, and the client's to judge.
//
// Listeners and certificates are replaced as a whole and at once; connections and handshakes that have
// begun keep what they began with.
package tlsterm

import (
	"crypto/tls"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Terminator terminates TLS. It is a proxy.Protocol, and safe for concurrent use.
type Terminator struct {
	config  *tls.Config
	resumed atomic.Uint64

	// table is what new handshakes use; nil until the first Update.
	table atomic.Pointer[table]

	// update guards what only Update needs.
	update  sync.Mutex
	store   store
	tickets tickets
}

// New gives a Terminator that knows no listeners yet: until Update it fails every handshake.
func New() *Terminator {
	t := &Terminator{store: store{}}
	t.config = t.newConfig()
	return t
}

// Update replaces the listeners and certificates. Certificates are named as the listeners name them. It
// returns what is wrong with single certificates, ordered by name: the others serve, and of a broken or
// missing one the last good one of that name, if there was one.
func (t *Terminator) Update(listeners []routing.Listener, pairs map[string]Pair) []adminapi.Problem {
	t.update.Lock()
	defer t.update.Unlock()
	problems := t.store.update(certificateNames(listeners), pairs)
	t.table.Store(newTable(listeners, t.store, t.tickets.update(listeners)))
	return problems
}

// Stats is what a Terminator has done so far, and what it presents now.
type Stats struct {
	// Resumed counts the handshakes that resumed a session.
	Resumed uint64
	// Expiry of each certificate that a listener uses, by name.
	Expiry map[string]time.Time
}

// Stats gives the numbers of this moment.
func (t *Terminator) Stats() Stats {
	stats := Stats{Resumed: t.resumed.Load()}
	if table := t.table.Load(); table != nil {
		stats.Expiry = maps.Clone(table.expiry)
	}
	return stats
}
