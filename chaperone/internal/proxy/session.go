package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"

	"go.uber.org/zap"
)

// session is one client's connection.
type session struct {
	raw net.Conn
	// ctx ends with the session.
	ctx    context.Context
	cancel context.CancelFunc
	// client is the address that the session is counted for, once it is.
	client netip.Addr
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
	stream, varnishd, err := s.connect(c, e, p)
	if err != nil {
		return err
	}
	splice{
		client: stream.Client, raw: c.raw, varnishd: varnishd,
		writeTimeout: s.options.WriteTimeout, lingerTimeout: s.options.LingerTimeout,
	}.run()
	return nil
}

// connect takes a connection from its handshake to varnishd.
func (s *Server) connect(c *session, e Endpoint, p Protocol) (Stream, *net.UnixConn, error) {
	s.counters.arriving.Add(1)
	defer s.counters.arriving.Add(-1)
	stream, err := s.handshake(c, e, p)
	if err != nil {
		return Stream{}, nil, err
	}
	preamble, err := stream.Preamble.Format()
	if err != nil {
		return Stream{}, nil, err
	}
	varnishd, err := s.dialer.dial(c.ctx, e.Path, preamble)
	if err != nil {
		s.counters.unreachable.Add(1)
		_ = stream.Client.Close()
		return Stream{}, nil, err
	}
	return stream, varnishd, nil
}

// AddrPort is the zero value where the address is not one of TCP.
func AddrPort(addr net.Addr) netip.AddrPort {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	return netip.AddrPort{}
}
