package tlsterm

import (
	"crypto/tls"

	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// listenerKey identifies a listener from one Update to the next.
type listenerKey struct {
	socket socket.Key
	name   string
}

func keyOf(l routing.Listener) listenerKey {
	return listenerKey{socket: socket.KeyOf(l), name: l.Name}
}

// ticketKeys hold, for each listener, the configuration that encrypts its session tickets. They outlive
// updates, so that clients resume their sessions after a certificate was replaced; and they are apart,
// so that a session of one listener is worth nothing at another, which may ask more of its clients.
type ticketKeys map[listenerKey]*tls.Config

// update makes keys for new listeners, and forgets those that are gone.
func (k ticketKeys) update(listeners []routing.Listener) ticketKeys {
	current := map[listenerKey]bool{}
	for _, l := range listeners {
		current[keyOf(l)] = true
		if k[keyOf(l)] == nil {
			k[keyOf(l)] = &tls.Config{MinVersion: tls.VersionTLS12}
		}
	}
	for key := range k {
		if !current[key] {
			delete(k, key)
		}
	}
	return k
}

func newListener(spec routing.Listener, certificates store, tickets *tls.Config) *listener {
	l := &listener{name: spec.Name}
	for _, name := range spec.Certificates {
		if certificate := certificates[name].certificate; certificate != nil {
			l.certificates = append(l.certificates, certificate)
		}
	}
	l.config = &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{protocolHTTP2, "http/1.1"},
		// A record of its full size from the start: what small ones at first would save a client in waiting, the
		// window of TCP makes up for, and each costs a system call.
		DynamicRecordSizingDisabled: true,
		GetCertificate:              l.certificate,
		WrapSession:                 tickets.EncryptTicket,
		UnwrapSession:               tickets.DecryptTicket,
	}
	return l
}

// certificate chooses the first certificate that the client can use. Where it can use none, the first
// one makes the handshake fail with the alert that says so. See table.config: there is at least one.
func (l *listener) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	// crypto/tls compares the name with the certificate's; what a listener presents is not decided by it.
	nameless := *hello
	nameless.ServerName = ""
	for _, certificate := range l.certificates {
		if nameless.SupportsCertificate(certificate) == nil {
			return certificate, nil
		}
	}
	return l.certificates[0], nil
}
