package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/http2conn"
)

// session is one client's connection.
type session struct {
	raw net.Conn
	// ctx ends with the session.
	ctx    context.Context
	cancel context.CancelFunc
	// client is the address that the session is counted for, once it is.
	client netip.Addr
	// splice is there once bytes are copied.
	splice atomic.Pointer[splice]
}

// Close ends the session at once, whatever it is doing.
func (c *session) Close() error {
	c.cancel()
	return c.raw.Close()
}

// start serves a connection in a goroutine of its own, or refuses it where there are too many.
func (s *Server) start(conn net.Conn, e Endpoint, p Protocol) {
	c := &session{raw: conn}
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if err := s.admit(c, e); err != nil {
		s.refused(err)
		_ = c.Close()
		return
	}
	if !s.open.add(c) {
		s.leave(c)
		_ = c.Close()
		return
	}
	s.counters.connections.Add(1)
	go func() {
		// Last of all, so that a connection that is not open any more makes room.
		defer s.open.remove(c)
		defer s.leave(c)
		defer func() { _ = c.Close() }()
		if err := s.serve(c, e, p); err != nil {
			s.options.Log.Debug("a client connection failed", zap.String("socket", e.Name()),
				zap.Stringer("peer", conn.RemoteAddr()), zap.Error(err))
		}
	}()
}

// admit counts a connection, or says why it is refused. Whose it is behind a load balancer says only the PROXY preamble.
func (s *Server) admit(c *session, e Endpoint) error {
	if err := s.bounds.admit(); err != nil {
		return err
	}
	if e.Proxy {
		return nil
	}
	if err := s.admitClient(c, c.raw.RemoteAddr()); err != nil {
		s.bounds.leave()
		return err
	}
	return nil
}

// admitClient counts a connection as one of its client's, or says why it is refused.
func (s *Server) admitClient(c *session, client net.Addr) error {
	address := AddrPort(client).Addr()
	if err := s.bounds.admitAddress(address); err != nil {
		return err
	}
	c.client = address
	return nil
}

// leave takes back what admit and admitClient have counted.
func (s *Server) leave(c *session) {
	if c.client.IsValid() {
		s.bounds.leaveAddress(c.client)
	}
	s.bounds.leave()
}

// refused counts a refusal, and tells of it now and then.
func (s *Server) refused(err error) {
	bound := BoundTotal
	if errors.Is(err, errTooManyOfAddress) {
		bound = BoundAddress
	}
	s.counters.refused[bound].Add(1)
	s.seldom.Warn("a client connection is refused", zap.Error(err), zap.Int("open", s.open.count()))
}

// serve takes a connection from its handshake to its end.
func (s *Server) serve(c *session, e Endpoint, p Protocol) error {
	splice, err := s.connect(c, e, p)
	if err != nil || splice == nil {
		return err
	}
	c.splice.Store(splice)
	if s.draining.Load() {
		splice.drain()
	}
	splice.run()
	return nil
}

// connect takes a connection from its handshake to varnishd. A client that ends it without a word is none of
// varnishd's business: then there is nothing to splice.
func (s *Server) connect(c *session, e Endpoint, p Protocol) (*splice, error) {
	s.counters.arriving.Add(1)
	defer s.counters.arriving.Add(-1)
	stream, err := s.handshake(c, e, p)
	if err != nil {
		return nil, err
	}
	preamble, err := stream.Preamble.Format()
	if err != nil {
		return nil, err
	}
	splice := &splice{
		client: stream.Client, requests: &fromClient{conn: stream.Client}, below: stream.below, raw: c.raw,
		writeTimeout: s.options.WriteTimeout, lingerTimeout: s.options.LingerTimeout,
	}
	if stream.HTTP2 {
		splice.http2 = &http2conn.Connection{}
	}
	first, err := splice.first()
	if len(first) == 0 && err != nil {
		splice.requests.release()
		if errors.Is(err, io.EOF) {
			_ = stream.Client.Close()
			return nil, nil
		}
		return nil, fmt.Errorf("read from the client: %w", err)
	}
	splice.varnishd, err = s.dialer.dial(c.ctx, e.Path, preamble, first)
	if err != nil {
		s.counters.unreachable.Add(1)
		splice.requests.release()
		_ = stream.Client.Close()
		return nil, err
	}
	return splice, nil
}

// firstWithin is how long varnishd hears nothing of a connection whose client says nothing yet.
const firstWithin = 50 * time.Millisecond

// first gives what the client says at once, so that varnishd hears of a connection and of its first request in one
// piece, and wakes once. An error without data is the end of the connection; one that comes with data comes again.
func (s *splice) first() ([]byte, error) {
	_ = s.client.SetReadDeadline(time.Now().Add(firstWithin))
	data, err := s.requests.next()
	_ = s.client.SetReadDeadline(time.Time{})
	if isTimeout(err) {
		err = nil
	}
	if s.http2 != nil && len(data) > 0 {
		data = s.http2.FromClient(data)
	}
	return data, err
}

// AddrPort is the zero value where the address is not one of TCP.
func AddrPort(addr net.Addr) netip.AddrPort {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	return netip.AddrPort{}
}
