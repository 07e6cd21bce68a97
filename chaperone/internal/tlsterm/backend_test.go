package tlsterm

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"path/filepath"
	"sync"
	"testing"

	wire "github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/routing"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// deadline bounds every wait of a test.
const deadline = varnishtest.Deadline

// fakeVarnishd takes connections at a unix socket, reads their preamble, and gives them to serve.
type fakeVarnishd struct {
	path     string
	listener net.Listener
	open     connections
}

func startVarnishd(t testing.TB, path string, serve func(*wire.Header, *bufio.Reader, *net.UnixConn)) *fakeVarnishd {
	t.Helper()
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	f := &fakeVarnishd{path: path, listener: listener}
	go func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if !f.open.add(conn) {
				_ = conn.Close()
				continue
			}
			go func() {
				defer f.open.remove(conn)
				defer func() { _ = conn.Close() }()
				reader := bufio.NewReader(conn)
				if header, err := wire.Read(reader); err == nil {
					serve(header, reader, conn.(*net.UnixConn))
				}
			}()
		}
	}()
	t.Cleanup(f.stop)
	return f
}

func (f *fakeVarnishd) stop() {
	_ = f.listener.Close()
	f.open.close()
	_ = f.open.wait(context.Background())
}

// echo says back what it hears, until it hears no more.
func echo(_ *wire.Header, reader *bufio.Reader, conn *net.UnixConn) {
	_, _ = io.Copy(conn, reader)
}

// terminal is a Terminator that serves one socket at a loopback address.
type terminal struct {
	*Terminator
	socket  socket.Socket
	address string
	path    string
	// stop ends Serve and waits for it.
	stop func()
}

// socketName is that of every terminal: the name says what listeners refer to, not where it listens.
const socketName = "https-443"

func startTerminal(t testing.TB, options Options, proxy bool) *terminal {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	term := &terminal{
		Terminator: New(options),
		socket:     socket.Socket{Name: socketName, Protocol: routing.ProtocolHTTPS, Port: 443, Proxy: proxy},
		address:    listener.Addr().String(),
		path:       filepath.Join(varnishtest.Dir(t), "varnishd.sock"),
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- term.Serve(ctx, listener, term.socket, term.path) }()
	term.stop = sync.OnceFunc(func() {
		cancel()
		require.NoError(t, <-served)
	})
	t.Cleanup(func() {
		term.stop()
		term.Close()
	})
	return term
}

// https is a listener at the socket of every terminal.
func https(name, hostname string, certificates ...string) routing.Listener {
	return routing.Listener{
		Name: name, Socket: socketName, Port: 443, Protocol: routing.ProtocolHTTPS,
		Hostname: hostname, Certificates: certificates,
	}
}
