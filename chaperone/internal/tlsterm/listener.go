package tlsterm

import (
	"crypto/tls"

	"github.com/varnish-gateway/gateway/shared/routing"
)

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
