package proxy

import (
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/proxyproto"
)

var errGaveWay = errors.New("too many handshakes are under way, and this one took longest")

// handshake reads the PROXY preamble where there must be one, and makes the protocol's handshake.
func (s *Server) handshake(c *session, e Endpoint, p Protocol) (Stream, error) {
	end := s.handshakes.begin(c)
	conn := net.Conn(c.raw)
	if e.Proxy {
		conn = proxyproto.Require(conn, s.options.HandshakeTimeout)
	}
	if err := conn.SetDeadline(time.Now().Add(s.options.HandshakeTimeout)); err != nil {
		end()
		return Stream{}, fmt.Errorf("limit the handshake: %w", err)
	}
	stream, err := s.begin(c, &Conn{Conn: conn, Endpoint: e}, p)
	if end() {
		err = errGaveWay
	}
	s.counters.handshake(err)
	if err != nil {
		return Stream{}, err
	}
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return Stream{}, fmt.Errorf("end the handshake: %w", err)
	}
	return stream, nil
}

// begin finds out whose connection it is, where a load balancer says so, before anything costly is done for it.
func (s *Server) begin(c *session, conn *Conn, p Protocol) (Stream, error) {
	if balanced, ok := conn.Conn.(*proxyproto.Conn); ok {
		if err := proxyproto.Peek(balanced); err != nil {
			return Stream{}, fmt.Errorf("read the PROXY preamble: %w", err)
		}
		if err := s.admitClient(c, balanced.RemoteAddr()); err != nil {
			s.refused(err)
			return Stream{}, err
		}
	}
	return p.Handshake(conn)
}

// isTimeout says whether the client took too long.
func isTimeout(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout()
}
