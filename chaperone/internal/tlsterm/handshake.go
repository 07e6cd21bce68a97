package tlsterm

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxyproto"
	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
)

// Reasons why a handshake fails by our own doing.
var (
	errNoCertificate = errors.New("no certificate to present")
	errUnknownName   = errors.New("no listener covers the name that the client asks for")
)

// Results of handshakes that only TLS has.
const (
	// HandshakeUnknownName is one for a name that no listener covers.
	HandshakeUnknownName proxy.Result = "unknown_name"
	// HandshakeNoCertificate is one at a listener that has no usable certificate.
	HandshakeNoCertificate proxy.Result = "no_certificate"
)

// Results lists every Result that a TLS handshake can have.
var Results = append(slices.Clone(proxy.Results), HandshakeUnknownName, HandshakeNoCertificate)

// rejected makes crypto/tls answer with the alert unrecognized_name (RFC 6066, section 3): it has no
// certificates, and resumes no session.
var rejected = &tls.Config{MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}

// protocolHTTP2 is the name of HTTP/2 in ALPN (RFC 9113, section 3.1).
const protocolHTTP2 = "h2"

// hello is a connection of which the ClientHello is read; failure is why it cannot be answered.
type hello struct {
	*proxy.Conn
	failure error
}

// newConfig is what every handshake begins with: the listener's configuration is chosen by the ClientHello.
func (t *Terminator) newConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		// The listener's configuration has the keys; see tickets.
		SessionTicketsDisabled: true,
		GetConfigForClient: func(info *tls.ClientHelloInfo) (config *tls.Config, err error) {
			conn := info.Conn.(*hello)
			config, conn.failure = t.table.Load().config(conn.Endpoint.Key, info.ServerName)
			if errors.Is(conn.failure, errUnknownName) {
				return rejected, nil
			}
			return config, conn.failure
		},
	}
}

// Handshake implements proxy.Protocol.
func (t *Terminator) Handshake(c *proxy.Conn) (proxy.Stream, error) {
	conn := &hello{Conn: c}
	client := tls.Server(conn, t.config)
	if err := client.Handshake(); err != nil {
		answerPlainHTTP(err)
		if conn.failure != nil {
			err = failureOf(conn.failure)
		}
		return proxy.Stream{}, fmt.Errorf("TLS handshake: %w", err)
	}
	state := client.ConnectionState()
	if state.DidResume {
		t.resumed.Add(1)
	}
	return proxy.Stream{Client: client, Preamble: preambleOf(c, state), HTTP2: state.NegotiatedProtocol == protocolHTTP2}, nil
}

func failureOf(err error) error {
	if errors.Is(err, errUnknownName) {
		return &proxy.Failure{Result: HandshakeUnknownName, Err: err}
	}
	return &proxy.Failure{Result: HandshakeNoCertificate, Err: err}
}

// config gives the TLS configuration for a client that asks for name at the socket.
func (t *table) config(key socket.Key, name string) (*tls.Config, error) {
	if t == nil || t.ports[key] == nil {
		return nil, fmt.Errorf("%w: no listener at %s", errNoCertificate, key.Name())
	}
	l := t.ports[key].find(name)
	switch {
	case l == nil && name == "":
		return nil, fmt.Errorf("%w: no listener at %s has one", errNoCertificate, key.Name())
	case l == nil:
		return nil, fmt.Errorf("%w: %q", errUnknownName, name)
	case len(l.certificates) == 0:
		return nil, fmt.Errorf("%w: listener %s", errNoCertificate, l.name)
	}
	return l.config, nil
}

// answerPlainHTTP tells a client that speaks HTTP without TLS what it did wrong, as far as it listens.
func answerPlainHTTP(err error) {
	var notTLS tls.RecordHeaderError
	if !errors.As(err, &notTLS) || notTLS.Conn == nil {
		return
	}
	switch string(notTLS.RecordHeader[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH":
		_, _ = io.WriteString(notTLS.Conn, "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\n"+
			"Content-Length: 30\r\nConnection: close\r\n\r\nThis port speaks HTTPS alone.\n")
	}
}

// preambleOf describes a client's connection to varnishd. The address that the client connected to has the
// listener's port: a Service may have given the connection to another one.
func preambleOf(c *proxy.Conn, state tls.ConnectionState) proxyproto.Preamble {
	return proxyproto.Preamble{
		Client:    proxy.AddrPort(c.RemoteAddr()),
		Server:    netip.AddrPortFrom(proxy.AddrPort(c.LocalAddr()).Addr(), uint16(c.Endpoint.Port)),
		ALPN:      state.NegotiatedProtocol,
		Authority: state.ServerName,
		TLS: &proxyproto.TLS{
			Version: versionName(state.Version),
			Cipher:  tls.CipherSuiteName(state.CipherSuite),
		},
	}
}

// versionName spells a version as the PROXY protocol's examples do.
func versionName(version uint16) string {
	switch version {
	case tls.VersionTLS12:
		return "TLSv1.2"
	case tls.VersionTLS13:
		return "TLSv1.3"
	}
	return fmt.Sprintf("%#04x", version)
}
