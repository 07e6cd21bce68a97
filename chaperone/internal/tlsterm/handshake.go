package tlsterm

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/proxyproto"
)

// Reasons why a handshake fails by our own doing.
var (
	errNoCertificate = errors.New("no certificate to present")
	errUnknownName   = errors.New("no listener covers the name that the client asks for")
	errGaveWay       = errors.New("too many handshakes are under way, and this one took longest")
)

// rejected makes crypto/tls answer with the alert unrecognized_name (RFC 6066, section 3): it has no
// certificates, and resumes no session.
var rejected = &tls.Config{MinVersion: tls.VersionTLS12, SessionTicketsDisabled: true}

// handshake reads the PROXY preamble where there must be one, and makes the TLS handshake.
func (t *Terminator) handshake(s *session, d door) (*tls.Conn, error) {
	end := t.handshakes.begin(s)
	conn := s.raw
	if d.Proxy {
		conn = proxyproto.Require(conn, t.options.HandshakeTimeout)
	}
	if err := conn.SetDeadline(time.Now().Add(t.options.HandshakeTimeout)); err != nil {
		end()
		return nil, fmt.Errorf("limit the handshake: %w", err)
	}
	client, err := t.exchange(s, conn, d)
	if end() {
		err = errGaveWay
	}
	t.counters.handshake(err)
	if err != nil {
		return nil, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return nil, fmt.Errorf("end the handshake: %w", err)
	}
	return client, nil
}

// exchange makes the TLS handshake proper.
func (t *Terminator) exchange(s *session, conn net.Conn, d door) (*tls.Conn, error) {
	var ours error
	client := tls.Server(conn, &tls.Config{
		MinVersion: tls.VersionTLS12,
		// The listener's configuration has the keys; see ticketKeys.
		SessionTicketsDisabled: true,
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			var config *tls.Config
			if d.Proxy {
				if ours = t.admitClient(s, hello.Conn.RemoteAddr()); ours != nil {
					t.refused(ours)
					return nil, ours
				}
			}
			config, ours = t.table.Load().config(d.Name, hello.ServerName)
			if errors.Is(ours, errUnknownName) {
				return rejected, nil
			}
			return config, ours
		},
	})
	err := client.Handshake()
	if err == nil {
		return client, nil
	}
	answerPlainHTTP(err)
	if ours != nil {
		err = ours
	}
	return nil, fmt.Errorf("TLS handshake: %w", err)
}

// config gives the TLS configuration for a client that asks for name at the socket.
func (t *table) config(socket, name string) (*tls.Config, error) {
	if t == nil || t.ports[socket] == nil {
		return nil, fmt.Errorf("%w: no listener at %s", errNoCertificate, socket)
	}
	l := t.ports[socket].find(name)
	switch {
	case l == nil && name == "":
		return nil, fmt.Errorf("%w: no listener at %s has one", errNoCertificate, socket)
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

// isTimeout says whether the client took too long.
func isTimeout(err error) bool {
	var netErr net.Error
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &netErr) && netErr.Timeout()
}
