// Package proxy takes the connections of clients and copies their bytes to varnishd and back, behind a PROXY
// protocol v2 preamble: it accepts connections, holds them to bounds, reads the preamble of a load balancer in front,
// and drains them. What a connection begins with is the business of a Protocol, such as TLS that ends here.
package proxy

import (
	"context"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/varnish-gateway/gateway/chaperone/internal/proxyproto"
	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
)

// Options of a Server. A zero value means the default.
type Options struct {
	// HandshakeTimeout is how long a client may take until its handshake is done, a PROXY preamble
	// included. Default 10 s.
	HandshakeTimeout time.Duration
	// MaxHandshakes is how many handshakes may be under way; one more, and the one that has been waiting
	// longest gives way, so that clients which say nothing lock nobody out. Default 4096.
	MaxHandshakes int
	// MaxConnections is how many connections may be open in all, and MaxConnectionsPerAddress of one IPv4 address or
	// IPv6 network of 64 bits; one more is closed at once. Default 8192 and 4096.
	MaxConnections, MaxConnectionsPerAddress int
	// DialTimeout is how long varnishd may be away (it is being restarted) before a connection is given
	// up. Default 5 s.
	DialTimeout time.Duration
	// WriteTimeout is how long a client may take nothing of an answer that is waiting. Default 2 min.
	WriteTimeout time.Duration
	// LingerTimeout is how long a connection that varnishd has ended stays open for the client to read
	// the rest. Default 2 s.
	LingerTimeout time.Duration
	// Log is for what happens to single connections. Default: no log.
	Log *zap.Logger
}

func (o Options) withDefaults() Options {
	setDefault(&o.HandshakeTimeout, 10*time.Second)
	setDefault(&o.MaxHandshakes, 4096)
	setDefault(&o.MaxConnections, 8192)
	setDefault(&o.MaxConnectionsPerAddress, 4096)
	setDefault(&o.DialTimeout, 5*time.Second)
	setDefault(&o.WriteTimeout, 2*time.Minute)
	setDefault(&o.LingerTimeout, 2*time.Second)
	if o.Log == nil {
		o.Log = zap.NewNop()
	}
	return o
}

func setDefault[T comparable](option *T, value T) {
	var zero T
	if *option == zero {
		*option = value
	}
}

// Endpoint is an open port of the Gateway, and where its connections go.
type Endpoint struct {
	socket.Socket
	// Path of varnishd's unix socket for it.
	Path string
}

// Conn is a client's connection before its handshake. Its addresses are those that a load balancer's preamble names.
type Conn struct {
	net.Conn
	// Endpoint that the connection came in at.
	Endpoint Endpoint
}

// Protocol makes the handshake that connections begin with.
type Protocol interface {
	// Handshake says how a connection goes on. Reads and writes of c have a deadline while it lasts. A Failure
	// among what it returns says what the error is counted as.
	Handshake(c *Conn) (Stream, error)
}

// Client is a connection whose handshake is done. What it reads and writes is that of the Conn that was given to
// Handshake: where that has nothing to read, it says so by a temporary error, and can be read again. CloseWrite says that
// nothing more will be written.
type Client interface {
	net.Conn
	CloseWrite() error
}

// Stream is how a connection goes on after its handshake.
type Stream struct {
	Client Client
	// Preamble tells varnishd of the client.
	Preamble proxyproto.Preamble
	// HTTP2 says that both sides speak HTTP/2, so that a drain can tell the client.
	HTTP2 bool
}

// Server takes connections. It is safe for concurrent use.
type Server struct {
	options    Options
	dialer     dialer
	handshakes handshakes
	bounds     bounds
	open       connections
	loops      loops
	counters   counters
	// draining says that new connections are to end with their streams.
	draining atomic.Bool
	// seldom is for what would fill the log: each message once a minute.
	seldom *zap.Logger
}

// NewServer gives a Server that takes no connections yet.
func NewServer(options Options) *Server {
	options = options.withDefaults()
	return &Server{
		options:    options,
		dialer:     dialer{timeout: options.DialTimeout, pause: dialPause},
		handshakes: handshakes{limit: options.MaxHandshakes},
		bounds:     bounds{total: options.MaxConnections, perAddress: options.MaxConnectionsPerAddress},
		seldom:     options.Log.WithOptions(zap.WrapCore(onceAMinute)),
	}
}

func onceAMinute(core zapcore.Core) zapcore.Core {
	return zapcore.NewSamplerWithOptions(core, time.Minute, 1, 0)
}

// Serve accepts connections for an endpoint until ctx ends or the listener fails, and closes the listener.
// Connections that were accepted live on: see Drain and Close.
func (s *Server) Serve(ctx context.Context, listener net.Listener, e Endpoint, p Protocol) error {
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	defer func() { _ = listener.Close() }()
	if err := accept(ctx, listener, func(conn net.Conn) { s.start(conn, e, p) }); err != nil {
		return fmt.Errorf("serve %s: %w", e.Name(), err)
	}
	return nil
}

// Drain waits until every connection has ended, or ctx does; then it returns the context's error.
func (s *Server) Drain(ctx context.Context) error {
	if err := s.open.wait(ctx); err != nil {
		return fmt.Errorf("%d client connections are still open: %w", s.open.count(), err)
	}
	return nil
}

// Close ends every connection and waits until it is gone. Endpoints that are still being served go on
// accepting, but close what they accept.
func (s *Server) Close() {
	s.open.close()
	_ = s.open.wait(context.Background())
	s.loops.stop()
}
