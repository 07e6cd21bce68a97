package proxy

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/varnish-gateway/gateway/chaperone/internal/proxyproto"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
)

// plain is a Protocol without a handshake.
type plain struct{}

type plainClient struct{ *Conn }

func (plainClient) CloseWrite() error { return nil }

func (plain) Handshake(c *Conn) (Stream, error) {
	address := netip.MustParseAddrPort("192.0.2.1:1")
	return Stream{Client: plainClient{c}, Preamble: proxyproto.Preamble{Client: address, Server: address}}, nil
}

// gateway is a Server of a plain Protocol.
type gateway struct {
	*Server
	address  string
	varnishd net.Listener
}

func startGateway(t *testing.T, options Options) *gateway { return startGatewayOf(t, plain{}, options) }

func startGatewayOf(t *testing.T, p Protocol, options Options) *gateway {
	t.Helper()
	client, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	path := filepath.Join(varnishtest.Dir(t), "varnishd.sock")
	varnishd, err := net.Listen("unix", path)
	require.NoError(t, err)
	g := &gateway{Server: NewServer(options), address: client.Addr().String(), varnishd: varnishd}
	ctx, cancel := context.WithCancel(context.Background())
	var served sync.WaitGroup
	served.Go(func() { assert.NoError(t, g.Serve(ctx, client, Endpoint{Path: path}, p)) })
	t.Cleanup(func() {
		cancel()
		served.Wait()
		g.Close()
		_ = varnishd.Close()
	})
	return g
}

// connect gives both ends of a connection on which the client has said one byte.
func (g *gateway) connect(t *testing.T) (client *net.TCPConn, varnishd *net.UnixConn) {
	t.Helper()
	return g.connectSaying(t, "x")
}

// connectSaying gives both ends of a connection on which the client has said so little.
func (g *gateway) connectSaying(t *testing.T, words string) (client *net.TCPConn, varnishd *net.UnixConn) {
	t.Helper()
	conn, err := net.Dial("tcp", g.address)
	require.NoError(t, err)
	_, err = conn.Write([]byte(words))
	require.NoError(t, err)
	accepted, err := g.varnishd.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { _, _ = conn.Close(), accepted.Close() })
	varnishtest.Eventually(t, "the first bytes come, behind the preamble", func() bool {
		var some [256]byte
		n, err := accepted.Read(some[:])
		return err == nil && strings.HasSuffix(string(some[:n]), words)
	})
	return conn.(*net.TCPConn), accepted.(*net.UnixConn)
}

// kept is how much the loops keep at this moment for those who take nothing.
func (g *gateway) kept() (bytes int) {
	g.loops.mu.Lock()
	defer g.loops.mu.Unlock()
	for _, loop := range g.loops.all {
		loop.call(func() { bytes += loop.kept })
	}
	return bytes
}

// fill writes until nothing more is taken, and gives how much was.
func fill(t *testing.T, conn net.Conn) (written int) {
	t.Helper()
	piece := bytes.Repeat([]byte("y"), 1<<20)
	for {
		require.NoError(t, conn.SetWriteDeadline(time.Now().Add(100*time.Millisecond)))
		n, err := conn.Write(piece)
		written += n
		if isTimeout(err) {
			require.NoError(t, conn.SetWriteDeadline(time.Time{}))
			return written
		}
		require.NoError(t, err)
	}
}

func TestWhoTakesNothingHoldsTheOtherSideBack(t *testing.T) {
	for name, downloads := range map[string]bool{"a client": true, "varnishd": false} {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, Options{})
			client, varnishd := g.connect(t)
			from, to := net.Conn(client), net.Conn(varnishd)
			if downloads {
				from, to = to, from
			}
			written := fill(t, from)
			assert.Positive(t, g.kept())
			assert.LessOrEqual(t, g.kept(), longPiece)

			n, err := io.CopyN(io.Discard, to, int64(written))
			require.NoError(t, err)
			assert.EqualValues(t, written, n, "it comes once it is wanted")
			assert.Zero(t, g.kept(), "and nothing is kept of it")
		})
	}
}

func TestPiecesAreShorterWhereMuchIsKept(t *testing.T) {
	l := &loop{kept: maxKept, share: maxKept}
	assert.Equal(t, longPiece, l.piece())
	l.kept++
	assert.Equal(t, record, l.piece())
}

func TestWhatWasKeptIsForgottenWithTheConnection(t *testing.T) {
	g := startGateway(t, Options{})
	client, varnishd := g.connect(t)
	fill(t, varnishd)
	require.Positive(t, g.kept())
	require.NoError(t, client.SetLinger(0), "close with a reset")
	require.NoError(t, client.Close())
	varnishtest.Eventually(t, "it ends", func() bool { return g.Stats().Open == 0 })
	assert.Zero(t, g.kept())
}

func TestAClientThatVanishesIsNoticedWhileVarnishdTakesNothing(t *testing.T) {
	g := startGateway(t, Options{})
	client, varnishd := g.connect(t)
	fill(t, client)
	require.NoError(t, client.SetLinger(0), "close with a reset")
	require.NoError(t, client.Close())
	varnishtest.Eventually(t, "it ends", func() bool { return g.Stats().Open == 0 })
	_, err := io.Copy(io.Discard, varnishd)
	require.NoError(t, err, "varnishd is told")
}

// TestTheEndComesBehindWhatIsKept ends both ways, while a part of what was said is kept.
func TestTheEndComesBehindWhatIsKept(t *testing.T) {
	for name, answerFirst := range map[string]bool{"the answer ends first": true, "the request ends first": false} {
		t.Run(name, func(t *testing.T) {
			g := startGateway(t, Options{})
			client, varnishd := g.connect(t)
			end := func(from interface {
				net.Conn
				CloseWrite() error
			}, to io.Reader,
			) {
				written := fill(t, from)
				require.NoError(t, from.CloseWrite())
				read, err := io.Copy(io.Discard, to)
				require.NoError(t, err)
				assert.EqualValues(t, written, read)
			}
			if answerFirst {
				end(varnishd, client)
				end(client, varnishd)
			} else {
				end(client, varnishd)
				end(varnishd, client)
			}
			varnishtest.Eventually(t, "both ways have ended", func() bool { return g.Stats().Open == 0 })
		})
	}
}

// TestNothingIsClosedBeforeWhatIsKeptIsOut has a splice of which both ways have ended, but varnishd has yet to take the end
// of the request.
func TestNothingIsClosedBeforeWhatIsKeptIsOut(t *testing.T) {
	s, finished := waiting(t)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	far := os.NewFile(uintptr(pair[1]), "varnishd")
	defer func() { _ = far.Close() }()
	s.varnishd = &nonblocking{fd: pair[0], kept: []byte("the end"), shut: true}
	filled := 0
	for n := 1; n > 0; filled += n {
		n, err = s.varnishd.writeOnce(make([]byte, 1<<10))
		require.NoError(t, err)
	}
	s.requests, s.answers = ended, ended
	s.call(s.join)
	s.call(func() { assert.False(t, s.over) })
	all, err := io.ReadAll(far)
	require.NoError(t, err)
	assert.Equal(t, filled+len("the end"), len(all))
	<-finished
}

// TestConnectionsTakeNoGoroutines would find two for each.
func TestConnectionsTakeNoGoroutines(t *testing.T) {
	g := startGateway(t, Options{})
	g.connect(t)
	before := runtime.NumGoroutine()
	for range 100 {
		g.connect(t)
	}
	varnishtest.Eventually(t, "the handshakes are done", func() bool { return runtime.NumGoroutine() < before+10 })
	assert.Equal(t, 101, g.Stats().Open)
}

// TestOneConnectionLocksNobodyOut has one that says more and more, on the only loop.
func TestOneConnectionLocksNobodyOut(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	g := startGateway(t, Options{})
	client, varnishd := g.connect(t)
	other, otherVarnishd := g.connect(t)
	var busy sync.WaitGroup
	busy.Go(func() {
		piece := make([]byte, 1<<20)
		for {
			if _, err := client.Write(piece); err != nil {
				return
			}
		}
	})
	busy.Go(func() { _, _ = io.Copy(io.Discard, varnishd) })
	for range 100 {
		var answer [1]byte
		_, err := other.Write([]byte("q"))
		require.NoError(t, err)
		_, err = io.ReadFull(otherVarnishd, answer[:])
		require.NoError(t, err)
		_, err = otherVarnishd.Write([]byte("a"))
		require.NoError(t, err)
		_, err = io.ReadFull(other, answer[:])
		require.NoError(t, err)
	}
	_, _ = client.Close(), varnishd.Close()
	busy.Wait()
}

func TestManyClientsAtOnce(t *testing.T) {
	g := startGateway(t, Options{})
	var echoes, clients sync.WaitGroup
	echoes.Go(func() {
		for {
			conn, err := g.varnishd.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			echoes.Go(func() {
				defer func() { _ = conn.Close() }()
				_, _ = io.Copy(conn, conn)
			})
		}
	})
	for i := range 200 {
		clients.Go(func() {
			conn, err := net.Dial("tcp", g.address)
			if !assert.NoError(t, err) {
				return
			}
			defer func() { _ = conn.Close() }()
			sent := bytes.Repeat([]byte{byte(i)}, 1000*(i+1))
			var writer sync.WaitGroup
			writer.Go(func() {
				_, err := conn.Write(sent)
				assert.NoError(t, err)
				assert.NoError(t, conn.(*net.TCPConn).CloseWrite())
			})
			heard, err := io.ReadAll(conn)
			assert.NoError(t, err)
			assert.True(t, bytes.HasSuffix(heard, sent), "behind the preamble comes what was sent")
			writer.Wait()
		})
	}
	clients.Wait()
	varnishtest.Eventually(t, "all have ended", func() bool { return g.Stats().Open == 0 })
	_ = g.varnishd.Close()
	echoes.Wait()
	assert.Zero(t, g.kept())
}
