package tlsterm

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"syscall"
	"testing"
	"time"

	wire "github.com/pires/go-proxyproto"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// startPresenting gives a terminal that presents one certificate to everybody.
func startPresenting(t testing.TB, options proxy.Options, behindProxy bool) *terminal {
	t.Helper()
	term := startTerminal(t, options, behindProxy)
	pairs := map[string]Pair{"c": newAuthority(t).issue(t, ecdsaKey(), "c")}
	require.Empty(t, term.Update([]routing.Listener{https("a", "", "c")}, pairs))
	return term
}

func connect(t testing.TB, term *terminal) *tls.Conn {
	t.Helper()
	conn, err := tls.Dial("tcp", term.address, asking("www.example.com"))
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	require.NoError(t, conn.SetDeadline(time.Now().Add(deadline)))
	return conn
}

// eventuallyEmpty expects every connection to end by itself.
func eventuallyEmpty(t testing.TB, term *terminal) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	require.NoError(t, term.Drain(ctx))
}

func TestPreambleNamesTheClient(t *testing.T) {
	headers := make(chan *wire.Header, 1)
	term := startPresenting(t, proxy.Options{}, false)
	startVarnishd(t, term.path, func(header *wire.Header, _ *bufio.Reader, _ *net.UnixConn) { headers <- header })
	conn := connect(t, term)
	header := <-headers

	assert.Equal(t, conn.LocalAddr().String(), header.SourceAddr.String())
	assert.Equal(t, "127.0.0.1:443", header.DestinationAddr.String(), "the listener's port, not the one of the test")
	tlvs, err := header.TLVs()
	require.NoError(t, err)
	require.Len(t, tlvs, 2, "no ALPN was negotiated")
	assert.Equal(t, wire.TLV{Type: wire.PP2_TYPE_AUTHORITY, Value: []byte("www.example.com")}, tlvs[0])
	assert.Equal(t, wire.PP2_TYPE_SSL, tlvs[1].Type)
	assert.Contains(t, string(tlvs[1].Value), "TLSv1.3")
}

func TestBytesTravelBothWays(t *testing.T) {
	term := startPresenting(t, proxy.Options{}, false)
	startVarnishd(t, term.path, echo)
	conn := connect(t, term)
	sent := make([]byte, 3<<20)
	for i := range sent {
		sent[i] = byte(rand.Uint32())
	}
	var writer sync.WaitGroup
	writer.Go(func() {
		_, err := conn.Write(sent)
		assert.NoError(t, err)
		assert.NoError(t, conn.CloseWrite())
	})
	heard, err := io.ReadAll(conn)
	require.NoError(t, err)
	writer.Wait()
	assert.True(t, bytes.Equal(sent, heard), "what comes back is what went out")
	eventuallyEmpty(t, term)
}

func TestClientThatHasSaidAllStillGetsItsAnswer(t *testing.T) {
	term := startPresenting(t, proxy.Options{}, false)
	startVarnishd(t, term.path, func(_ *wire.Header, reader *bufio.Reader, conn *net.UnixConn) {
		request, err := io.ReadAll(reader)
		assert.NoError(t, err)
		_, err = io.WriteString(conn, "answer to "+string(request))
		assert.NoError(t, err)
	})
	conn := connect(t, term)
	_, err := io.WriteString(conn, "question")
	require.NoError(t, err)
	require.NoError(t, conn.CloseWrite())
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Equal(t, "answer to question", string(answer))
	eventuallyEmpty(t, term)
}

func TestClientThatStillTalksGetsTheWholeAnswer(t *testing.T) {
	answer := bytes.Repeat([]byte("0123456789"), 10_000)
	term := startPresenting(t, proxy.Options{}, false)
	startVarnishd(t, term.path, func(_ *wire.Header, reader *bufio.Reader, conn *net.UnixConn) {
		_, err := reader.ReadByte()
		assert.NoError(t, err)
		_, err = conn.Write(answer)
		assert.NoError(t, err)
	})
	conn := connect(t, term)
	var writer sync.WaitGroup
	writer.Go(func() {
		chunk := make([]byte, 64<<10)
		for range 64 {
			if _, err := conn.Write(chunk); err != nil {
				return
			}
		}
	})
	heard, err := io.ReadAll(conn)
	assert.NoError(t, err, "close_notify came, and no reset before it")
	assert.True(t, bytes.Equal(answer, heard))
	_ = conn.Close()
	writer.Wait()
	eventuallyEmpty(t, term)
}

func TestSilentClientIsClosedAfterVarnishdEnded(t *testing.T) {
	term := startPresenting(t, proxy.Options{LingerTimeout: 10 * time.Millisecond}, false)
	startVarnishd(t, term.path, func(*wire.Header, *bufio.Reader, *net.UnixConn) {})
	conn := connect(t, term)
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	// The client keeps its side open, and says nothing.
	eventuallyEmpty(t, term)
}

func TestClientThatStopsReadingIsGivenUp(t *testing.T) {
	term := startPresenting(t, proxy.Options{WriteTimeout: 50 * time.Millisecond}, false)
	gaveUp := make(chan error, 1)
	startVarnishd(t, term.path, func(_ *wire.Header, _ *bufio.Reader, conn *net.UnixConn) {
		chunk := make([]byte, 1<<20)
		for {
			if _, err := conn.Write(chunk); err != nil {
				gaveUp <- err
				return
			}
		}
	})
	_ = connect(t, term)
	require.Error(t, <-gaveUp)
	eventuallyEmpty(t, term)
}

func TestOnlyAnOrderlyEndIsCalledOne(t *testing.T) {
	tests := map[string]struct {
		// more is what the client says beyond what is read.
		more string
		want bool
	}{
		"varnishd ended the connection": {"", true},
		// Unread bytes make the kernel reset the connection instead of ending it.
		"varnishd broke off": {" and more than that", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			term := startPresenting(t, proxy.Options{}, false)
			startVarnishd(t, term.path, func(_ *wire.Header, reader *bufio.Reader, conn *net.UnixConn) {
				_, err := io.ReadFull(reader, make([]byte, len("question")))
				assert.NoError(t, err)
				_, err = io.WriteString(conn, "half of an ans")
				assert.NoError(t, err)
				awaitUnread(t, conn)
			})
			raw, err := net.Dial("tcp", term.address)
			require.NoError(t, err)
			defer func() { _ = raw.Close() }()
			recorder := &recorder{Conn: raw}
			config := asking("www.example.com")
			config.MaxVersion = tls.VersionTLS12 // Its alerts can be told from data without the keys.
			conn := tls.Client(recorder, config)
			_, err = io.WriteString(conn, "question")
			require.NoError(t, err)
			heard := make([]byte, len("half of an ans"))
			_, err = io.ReadFull(conn, heard)
			require.NoError(t, err)
			if test.more != "" {
				_, err = io.WriteString(conn, test.more)
			} else {
				err = conn.CloseWrite()
			}
			require.NoError(t, err)
			_, err = conn.Read(heard)
			require.ErrorIs(t, err, io.EOF)
			assert.Equal(t, test.want, recorder.endedWithAlert())
		})
	}
}

// awaitUnread returns when the kernel holds bytes that were not read, or the end of the stream.
func awaitUnread(t testing.TB, conn *net.UnixConn) {
	raw, err := conn.SyscallConn()
	assert.NoError(t, err)
	assert.NoError(t, raw.Read(func(fd uintptr) bool {
		_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK)
		return !errors.Is(err, syscall.EAGAIN)
	}))
}

// recorder keeps what was read.
type recorder struct {
	net.Conn
	heard []byte
}

func (r *recorder) Read(b []byte) (int, error) {
	n, err := r.Conn.Read(b)
	r.heard = append(r.heard, b[:n]...)
	return n, err
}

// endedWithAlert says whether the last TLS record is an alert (RFC 5246, section 6.2.1).
func (r *recorder) endedWithAlert() bool {
	kind := byte(0)
	for rest := r.heard; len(rest) >= 5; {
		kind = rest[0]
		rest = rest[min(len(rest), 5+int(rest[3])<<8+int(rest[4])):]
	}
	return kind == 21
}

func TestClientThatVanishesEndsTheConnectionToVarnishd(t *testing.T) {
	term := startPresenting(t, proxy.Options{}, false)
	ended := make(chan struct{})
	startVarnishd(t, term.path, func(header *wire.Header, reader *bufio.Reader, conn *net.UnixConn) {
		echo(header, reader, conn)
		close(ended)
	})
	conn := connect(t, term)
	assertEcho(t, conn, "hello")
	tcp := conn.NetConn().(*net.TCPConn)
	require.NoError(t, tcp.SetLinger(0), "close with a reset")
	require.NoError(t, tcp.Close())
	<-ended
	eventuallyEmpty(t, term)
}

func TestVarnishdThatIsAwayIsWaitedFor(t *testing.T) {
	term := startPresenting(t, proxy.Options{DialTimeout: deadline}, false)
	conn := connect(t, term)
	_, err := io.WriteString(conn, "hello")
	require.NoError(t, err)
	// There is nothing at the socket yet: the connection is waiting.
	require.Eventually(t, func() bool { return term.Stats().Handshakes[proxy.HandshakeDone] == 1 }, deadline, time.Millisecond)
	assert.Equal(t, 1, term.Arriving(), "a drain has to wait for it")
	startVarnishd(t, term.path, echo)
	heard := make([]byte, len("hello"))
	_, err = io.ReadFull(conn, heard)
	require.NoError(t, err)
	assert.Equal(t, "hello", string(heard))
	assert.Zero(t, term.Stats().Unreachable)
	assert.Zero(t, term.Arriving())
}

func TestVarnishdThatStaysAwayIsGivenUp(t *testing.T) {
	term := startPresenting(t, proxy.Options{DialTimeout: 10 * time.Millisecond}, false)
	conn := connect(t, term)
	_, err := conn.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
	eventuallyEmpty(t, term)
	assert.EqualValues(t, 1, term.Stats().Unreachable)
}

func TestVarnishdHearsNothingOfAClientThatSaysNothing(t *testing.T) {
	term := startPresenting(t, proxy.Options{}, false)
	startVarnishd(t, term.path, func(*wire.Header, *bufio.Reader, *net.UnixConn) {
		t.Error("varnishd was told of it")
	})
	require.NoError(t, connect(t, term).Close())
	require.Eventually(t, func() bool { return term.Stats().Handshakes[proxy.HandshakeDone] == 1 }, deadline, time.Millisecond)
	eventuallyEmpty(t, term)
	assert.Zero(t, term.Arriving())
}

func TestThePreambleAndTheFirstBytesAreOnePiece(t *testing.T) {
	term := startPresenting(t, proxy.Options{}, false)
	buffered := make(chan int, 1)
	startVarnishd(t, term.path, func(header *wire.Header, reader *bufio.Reader, conn *net.UnixConn) {
		buffered <- reader.Buffered()
		echo(header, reader, conn)
	})
	conn := connect(t, term)
	assertEcho(t, conn, "hello")
	assert.Equal(t, len("hello"), <-buffered)
	assertEcho(t, conn, "and more")
}
