package tlsterm

import (
	"crypto/tls"
	"strings"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// table is what handshakes are decided by. It never changes once it is made.
type table struct {
	ports map[socket.Key]*port
	// expiry of each certificate in use, by name.
	expiry map[string]time.Time
}

// port holds the listeners that share a socket.
type port struct {
	exact map[string]*listener
	// wildcards by what follows the asterisk: ".example.com".
	wildcards map[string]*listener
	// hostless is the listener without a hostname; nil where there is none.
	hostless *listener
	// first is the first listener that has a certificate; nil where none has.
	first *listener
}

// listener is what a handshake needs of a routing.Listener.
type listener struct {
	name         string
	certificates []*tls.Certificate
	config       *tls.Config
}

func newTable(listeners []routing.Listener, certificates store, tickets map[listenerKey]*tls.Config) *table {
	t := &table{ports: map[socket.Key]*port{}, expiry: map[string]time.Time{}}
	for name, stored := range certificates {
		t.expiry[name] = stored.certificate.Leaf.NotAfter
	}
	for _, spec := range listeners {
		if spec.Protocol != routing.ProtocolHTTPS {
			continue
		}
		key := socket.KeyOf(spec)
		if t.ports[key] == nil {
			t.ports[key] = &port{exact: map[string]*listener{}, wildcards: map[string]*listener{}}
		}
		t.ports[key].add(spec.Hostname, newListener(spec, certificates, tickets[keyOf(spec)]))
	}
	return t
}

// add places a listener. Of two with the same hostname the first stays: the operator reports the other
// as conflicted.
func (p *port) add(hostname string, l *listener) {
	hostname = strings.ToLower(hostname)
	suffix, isWildcard := strings.CutPrefix(hostname, "*")
	switch {
	case hostname == "":
		if p.hostless == nil {
			p.hostless = l
		}
	case isWildcard:
		putFirst(p.wildcards, suffix, l)
	default:
		putFirst(p.exact, hostname, l)
	}
	if p.first == nil && len(l.certificates) > 0 {
		p.first = l
	}
}

func putFirst(listeners map[string]*listener, key string, l *listener) {
	if _, taken := listeners[key]; !taken {
		listeners[key] = l
	}
}

// find gives the listener that serves a client that asks for name, which is empty for a client that
// names no host. It is nil where no listener covers the name.
func (p *port) find(name string) *listener {
	if name == "" {
		if p.hostless != nil {
			return p.hostless
		}
		return p.first
	}
	name = strings.ToLower(name)
	if l := p.exact[name]; l != nil {
		return l
	}
	// From the left, so that the longest suffix is met first. A wildcard stands for one label or more.
	for i := range len(name) {
		if i == 0 || name[i] != '.' {
			continue
		}
		if l := p.wildcards[name[i:]]; l != nil {
			return l
		}
	}
	return p.hostless
}
