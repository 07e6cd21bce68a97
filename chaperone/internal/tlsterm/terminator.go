// Package tlsterm terminates TLS for the Gateway's HTTPS listeners and hands the plaintext to varnishd
// over a unix socket, behind a PROXY protocol v2 preamble.
//
// Which certificate a client gets is decided by the name that it asks for (SNI): the most specific
// listener of the port that covers the name, and of that listener's certificates the first that the
// client can use. What names a certificate is valid for is not looked at: that a listener presents it is
// the user's decision, and the client's to judge.
//
// Listeners and certificates are replaced as a whole and at once; connections and handshakes that have
// begun keep what they began with.
package tlsterm

import (
	"context"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/routing"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// Options of a Terminator. A zero value means the default.
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

// door is one open port of the Gateway.
type door struct {
	socket.Socket
	// path of varnishd's unix socket for it.
	path string
}

// Terminator terminates TLS. It is safe for concurrent use.
type Terminator struct {
	options    Options
	dialer     dialer
	handshakes handshakes
	bounds     bounds
	open       connections
	counters   counters
	// seldom is for what would fill the log: each message once a minute.
	seldom *zap.Logger

	// table is what new handshakes use; nil until the first Update.
	table atomic.Pointer[table]

	// update guards what only Update needs.
	update  sync.Mutex
	store   store
	tickets ticketKeys
}

// New gives a Terminator that knows no listeners yet: until Update it fails every handshake.
func New(options Options) *Terminator {
	options = options.withDefaults()
	return &Terminator{
		options:    options,
		dialer:     dialer{timeout: options.DialTimeout, pause: dialPause},
		handshakes: handshakes{limit: options.MaxHandshakes},
		bounds:     bounds{total: options.MaxConnections, perAddress: options.MaxConnectionsPerAddress},
		seldom:     options.Log.WithOptions(zap.WrapCore(onceAMinute)),
		store:      store{},
		tickets:    ticketKeys{},
	}
}

func onceAMinute(core zapcore.Core) zapcore.Core {
	return zapcore.NewSamplerWithOptions(core, time.Minute, 1, 0)
}

// Update replaces the listeners and certificates. Certificates are named as the listeners name them. It
// returns what is wrong with single certificates, ordered by name: the others serve, and of a broken or
// missing one the last good one of that name, if there was one.
func (t *Terminator) Update(listeners []routing.Listener, pairs map[string]Pair) []adminapi.Problem {
	t.update.Lock()
	defer t.update.Unlock()
	problems := t.store.update(certificateNames(listeners), pairs)
	t.table.Store(newTable(listeners, t.store, t.tickets.update(listeners)))
	return problems
}

// Serve accepts connections for a socket until ctx ends or the listener fails, and closes the listener.
// path is varnishd's unix socket for it. Connections that were accepted live on: see Drain and Close.
func (t *Terminator) Serve(ctx context.Context, listener net.Listener, s socket.Socket, path string) error {
	defer context.AfterFunc(ctx, func() { _ = listener.Close() })()
	defer func() { _ = listener.Close() }()
	if err := accept(ctx, listener, func(conn net.Conn) { t.start(conn, door{s, path}) }); err != nil {
		return fmt.Errorf("serve %s: %w", s.Name, err)
	}
	return nil
}

// Drain waits until every connection has ended, or ctx does; then it returns the context's error.
func (t *Terminator) Drain(ctx context.Context) error {
	if err := t.open.wait(ctx); err != nil {
		return fmt.Errorf("%d TLS connections are still open: %w", t.open.count(), err)
	}
	return nil
}

// Close ends every connection and waits until it is gone. Sockets that are still being served go on
// accepting, but close what they accept.
func (t *Terminator) Close() {
	t.open.close()
	_ = t.open.wait(context.Background())
}
