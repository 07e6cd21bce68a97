package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/http2conn"
)

// session is one client's connection.
type session struct {
	raw *transport
	// ctx ends with the session.
	ctx    context.Context
	cancel context.CancelFunc
	// client is the address that the session is counted for, once it is.
	client netip.Addr
	// splice is there once bytes are copied; it has the connection then.
	splice atomic.Pointer[splice]
}

// Close ends the session at once, whatever it is doing.
func (c *session) Close() error {
	c.cancel()
	if splice := c.splice.Load(); splice != nil {
		splice.Post(splice.finish)
		return nil
	}
	return c.raw.Close()
}

// start serves a connection in a goroutine of its own, or refuses it where there are too many.
func (s *Server) start(conn net.Conn, e Endpoint, p Protocol) {
	c := &session{raw: &transport{Conn: conn}}
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
	go s.serve(c, e, p)
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

// serve takes a connection from its handshake to a loop, which has it until its end.
func (s *Server) serve(c *session, e Endpoint, p Protocol) {
	splice, err := s.connect(c, e, p)
	if err != nil {
		s.options.Log.Debug("a client connection failed", zap.String("socket", e.Name()),
			zap.Stringer("peer", c.raw.RemoteAddr()), zap.Error(err))
	}
	if splice == nil {
		_ = c.Close()
		s.ended(c)
		return
	}
	splice.excessive = func() {
		s.seldom.Warn("a client's HTTP/2 connection is closed: it has too many streams reset",
			zap.String("socket", e.Name()), zap.Stringer("client", c.client))
	}
	splice.done = func() {
		splice.connections.Add(-1)
		c.cancel()
		s.ended(c)
	}
	c.splice.Store(splice)
	splice.Post(splice.join)
	if s.draining.Load() {
		splice.drain()
	}
	if c.ctx.Err() != nil {
		// Close was called before it could know of the splice.
		splice.Post(splice.finish)
	}
}

// ended makes room. It comes last of all, when the connection is not open any more.
func (s *Server) ended(c *session) {
	s.leave(c)
	s.open.remove(c)
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
	said, err := stream.Preamble.Format()
	if err != nil {
		return nil, err
	}
	splice := &splice{
		client: stream.Client, below: c.raw,
		writeTimeout: s.options.WriteTimeout, lingerTimeout: s.options.LingerTimeout,
	}
	if stream.HTTP2 {
		splice.http2 = &http2conn.Connection{}
	}
	said, err = splice.first(said)
	if errors.Is(err, io.EOF) {
		_ = stream.Client.Close()
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read from the client: %w", err)
	}
	splice.varnishd, err = s.dialer.dial(c.ctx, e.Path, said)
	if err != nil {
		s.counters.unreachable.Add(1)
		_ = stream.Client.Close()
		return nil, err
	}
	if splice.loop, err = s.loops.pick(); err == nil {
		err = c.raw.detach()
	}
	if err != nil {
		splice.varnishd.close()
		return nil, fmt.Errorf("hand a connection over: %w", err)
	}
	splice.connections.Add(1)
	return splice, nil
}

const (
	// firstWithin is how long varnishd hears nothing of a connection whose client says nothing yet.
	firstWithin = 50 * time.Millisecond
	// firstPiece is how much of it goes with the preamble: most requests fit in.
	firstPiece = 2 << 10
)

// first adds what the client says at once to said, so that varnishd hears of a connection and of its first request in one
// piece, and wakes once. An error that comes with data comes again.
func (s *splice) first(said []byte) ([]byte, error) {
	said = slices.Grow(said, firstPiece)
	_ = s.client.SetReadDeadline(time.Now().Add(firstWithin))
	n, err := s.client.Read(said[len(said) : len(said)+firstPiece])
	_ = s.client.SetReadDeadline(time.Time{})
	if n == 0 && err != nil && !isTimeout(err) {
		return nil, err
	}
	data := said[len(said) : len(said)+n]
	if s.http2 != nil && n > 0 {
		data = s.http2.FromClient(data, time.Now())
	}
	return append(said, data...), nil
}

// AddrPort is the zero value where the address is not one of TCP.
func AddrPort(addr net.Addr) netip.AddrPort {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	return netip.AddrPort{}
}
