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
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/adminapi"
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
	served   sync.WaitGroup
	mu       sync.Mutex
	open     []net.Conn
}

func startVarnishd(t testing.TB, path string, serve func(*wire.Header, *bufio.Reader, *net.UnixConn)) *fakeVarnishd {
	t.Helper()
	listener, err := net.Listen("unix", path)
	require.NoError(t, err)
	f := &fakeVarnishd{path: path, listener: listener}
	f.served.Go(func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			f.mu.Lock()
			f.open = append(f.open, conn)
			f.mu.Unlock()
			f.served.Go(func() {
				defer func() { _ = conn.Close() }()
				reader := bufio.NewReader(conn)
				if header, err := wire.Read(reader); err == nil {
					serve(header, reader, conn.(*net.UnixConn))
				}
			})
		}
	})
	t.Cleanup(f.stop)
	return f
}

func (f *fakeVarnishd) stop() {
	_ = f.listener.Close()
	f.mu.Lock()
	for _, conn := range f.open {
		_ = conn.Close()
	}
	f.mu.Unlock()
	f.served.Wait()
}

// echo says back what it hears, until it hears no more.
func echo(_ *wire.Header, reader *bufio.Reader, conn *net.UnixConn) {
	_, _ = io.Copy(conn, reader)
}

// terminal is a Terminator whose Server serves one socket at a loopback address.
type terminal struct {
	*proxy.Server
	terminator *Terminator
	address    string
	path       string
	// stop ends Serve and waits for it.
	stop func()
}

// socketKey is that of every terminal: it says what listeners refer to, not where it listens.
var socketKey = socket.Key{Port: 443, Protocol: routing.ProtocolHTTPS}

// Update is the Terminator's.
func (t *terminal) Update(listeners []routing.Listener, pairs map[string]Pair) []adminapi.Problem {
	return t.terminator.Update(listeners, pairs)
}

func startTerminal(t testing.TB, options proxy.Options, behindProxy bool) *terminal {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	term := &terminal{
		Server:     proxy.NewServer(options),
		terminator: New(),
		address:    listener.Addr().String(),
		path:       filepath.Join(varnishtest.Dir(t), "varnishd.sock"),
	}
	endpoint := proxy.Endpoint{Path: term.path}
	endpoint.Socket = socket.Socket{Key: socketKey, Proxy: behindProxy}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- term.Serve(ctx, listener, endpoint, term.terminator) }()
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
		Name: name, Socket: socketKey.Name(), Port: 443, Protocol: routing.ProtocolHTTPS,
		Hostname: hostname, Certificates: certificates,
	}
}
