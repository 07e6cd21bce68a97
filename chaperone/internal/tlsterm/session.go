package tlsterm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"github.com/varnish-gateway/gateway/chaperone/internal/proxyproto"
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
func (s *session) Close() error {
	s.cancel()
	return s.raw.Close()
}

// start serves a connection in a goroutine of its own, or refuses it where there are too many.
func (t *Terminator) start(conn net.Conn, d door) {
	s := &session{raw: conn}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	if err := t.admit(s, d); err != nil {
		t.refused(err)
		_ = s.Close()
		return
	}
	if !t.open.add(s) {
		t.leave(s)
		_ = s.Close()
		return
	}
	t.counters.connections.Add(1)
	go func() {
		defer t.leave(s)
		defer t.open.remove(s)
		defer func() { _ = s.Close() }()
		if err := t.serve(s, d); err != nil {
			t.options.Log.Debug("TLS connection failed", zap.String("socket", d.Name),
				zap.Stringer("peer", conn.RemoteAddr()), zap.Error(err))
		}
	}()
}

// admit counts a connection, or says why it is refused. Whose it is behind a load balancer says only the PROXY preamble.
func (t *Terminator) admit(s *session, d door) error {
	if err := t.bounds.admit(); err != nil {
		return err
	}
	if d.Proxy {
		return nil
	}
	if err := t.admitClient(s, s.raw.RemoteAddr()); err != nil {
		t.bounds.leave()
		return err
	}
	return nil
}

// admitClient counts a connection as one of its client's, or says why it is refused.
func (t *Terminator) admitClient(s *session, client net.Addr) error {
	address := addrPort(client).Addr()
	if err := t.bounds.admitAddress(address); err != nil {
		return err
	}
	s.client = address
	return nil
}

// leave takes back what admit and admitClient have counted.
func (t *Terminator) leave(s *session) {
	if s.client.IsValid() {
		t.bounds.leaveAddress(s.client)
	}
	t.bounds.leave()
}

// refused counts a refusal, and tells of it now and then.
func (t *Terminator) refused(err error) {
	bound := BoundTotal
	if errors.Is(err, errTooManyOfAddress) {
		bound = BoundAddress
	}
	t.counters.refused[bound].Add(1)
	t.seldom.Warn("a TLS connection is refused", zap.Error(err), zap.Int("open", t.open.count()))
}

// serve takes a connection from its handshake to its end.
func (t *Terminator) serve(s *session, d door) error {
	client, varnishd, err := t.connect(s, d)
	if err != nil {
		return err
	}
	splice{
		client: client, raw: s.raw, varnishd: varnishd,
		writeTimeout: t.options.WriteTimeout, lingerTimeout: t.options.LingerTimeout,
	}.run()
	return nil
}

// connect takes a connection from its handshake to varnishd.
func (t *Terminator) connect(s *session, d door) (*tls.Conn, *net.UnixConn, error) {
	t.counters.arriving.Add(1)
	defer t.counters.arriving.Add(-1)
	client, err := t.handshake(s, d)
	if err != nil {
		return nil, nil, err
	}
	state := client.ConnectionState()
	if state.DidResume {
		t.counters.resumed.Add(1)
	}
	preamble, err := preambleOf(client, state, uint16(d.Port)).Format()
	if err != nil {
		return nil, nil, err
	}
	varnishd, err := t.dialer.dial(s.ctx, d.path, preamble)
	if err != nil {
		t.counters.unreachable.Add(1)
		_ = client.Close()
		return nil, nil, err
	}
	return client, varnishd, nil
}

// preambleOf describes a client's connection to varnishd.
func preambleOf(client net.Conn, state tls.ConnectionState, port uint16) proxyproto.Preamble {
	return proxyproto.Preamble{
		Client:    addrPort(client.RemoteAddr()),
		Server:    netip.AddrPortFrom(addrPort(client.LocalAddr()).Addr(), port),
		ALPN:      state.NegotiatedProtocol,
		Authority: state.ServerName,
		TLS: &proxyproto.TLS{
			Version: versionName(state.Version),
			Cipher:  tls.CipherSuiteName(state.CipherSuite),
		},
	}
}

// addrPort is the zero value where the address is not one of TCP.
func addrPort(addr net.Addr) netip.AddrPort {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.AddrPort()
	}
	return netip.AddrPort{}
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
