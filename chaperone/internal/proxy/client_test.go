package proxy

import (
	"bytes"
	"io"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"weak"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/net/http2"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
)

// like is a Protocol without a handshake, of clients that do as TLS may.
type like struct {
	client func(*Conn) Client
	http2  bool
}

func (p like) Handshake(c *Conn) (Stream, error) {
	stream, err := plain{}.Handshake(c)
	stream.Client, stream.HTTP2 = p.client(c), p.http2
	return stream, err
}

// answering answers what it reads by itself, as TLS does where the client wants new keys.
type answering struct {
	plainClient
	heard *atomic.Int64
}

func (c answering) Read(data []byte) (int, error) {
	n, err := c.plainClient.Read(data)
	if n > 0 {
		_, _ = c.Write(data[:n])
		c.heard.Add(int64(n))
	}
	return n, err
}

// ending says nothing behind its end, as TLS does.
type ending struct {
	plainClient
	ended bool
}

func (c *ending) CloseWrite() error {
	c.ended = true
	return nil
}

func (c *ending) Write(data []byte) (int, error) {
	if c.ended {
		return 0, net.ErrClosed
	}
	return c.plainClient.Write(data)
}

// endless gives one byte whenever it is read, as one does that says more than can be read, in records of one byte.
type endless struct {
	plainClient
	reads *atomic.Int64
}

func (c endless) Read(data []byte) (int, error) {
	c.reads.Add(1)
	data[0] = 'x'
	return 1, nil
}

// splice is that of the only connection.
func (g *gateway) splice(t *testing.T) (only *splice) {
	t.Helper()
	varnishtest.Eventually(t, "a loop has the connection", func() bool {
		for _, c := range g.open.all() {
			only = c.(*session).splice.Load()
		}
		return only != nil
	})
	return only
}

// awaitEnd waits until the client has been told the end of what varnishd said.
func (s *splice) awaitEnd(t *testing.T) {
	t.Helper()
	varnishtest.Eventually(t, "the client is told the end", func() (is bool) {
		s.call(func() { is = s.answers == ended })
		return is
	})
}

// TestAClientThatTakesNothingIsNotHeardForEver has one whose words are answered by TLS itself.
func TestAClientThatTakesNothingIsNotHeardForEver(t *testing.T) {
	var heard atomic.Int64
	g := startGatewayOf(t, like{client: func(c *Conn) Client { return answering{plainClient{c}, &heard} }}, Options{})
	client, varnishd := g.connect(t)
	var hearing sync.WaitGroup
	hearing.Go(func() { _, _ = io.Copy(io.Discard, varnishd) })
	written := fill(t, client)
	assert.LessOrEqual(t, g.kept(), maxUntaken+longPiece)

	n, err := io.CopyN(io.Discard, client, int64(len("x")+written))
	require.NoError(t, err)
	assert.EqualValues(t, len("x")+written, n, "it is heard again once it takes what there is for it")
	require.NoError(t, client.Close())
	hearing.Wait()
}

func TestAClientThatStillTalksIsNotAnsweredBehindTheEnd(t *testing.T) {
	var heard atomic.Int64
	g := startGatewayOf(t, like{client: func(c *Conn) Client { return answering{plainClient{c}, &heard} }},
		Options{LingerTimeout: time.Hour})
	client, varnishd := g.connect(t)
	splice := g.splice(t)
	answer := bytes.Repeat([]byte("y"), 100_000)
	_, err := varnishd.Write(answer)
	require.NoError(t, err)
	require.NoError(t, varnishd.Close())
	splice.awaitEnd(t)

	_, err = client.Write([]byte("more"))
	require.NoError(t, err)
	varnishtest.Eventually(t, "it is heard", func() bool { return heard.Load() == int64(len("xmore")) })
	splice.call(func() { assert.False(t, splice.over, "it has its time to read the rest") })
	rest, err := io.ReadAll(client)
	require.NoError(t, err)
	assert.True(t, bytes.HasSuffix(rest, answer))
}

// TestADrainLeavesTheTimeToReadTheRest asks for the end of an HTTP/2 connection that varnishd has ended already.
func TestADrainLeavesTheTimeToReadTheRest(t *testing.T) {
	g := startGatewayOf(t, like{client: func(c *Conn) Client { return &ending{plainClient: plainClient{c}} }, http2: true},
		Options{LingerTimeout: time.Hour})
	var request, answer bytes.Buffer
	request.WriteString(http2.ClientPreface)
	for _, w := range []*bytes.Buffer{&request, &answer} {
		framer := http2.NewFramer(w, nil)
		require.NoError(t, framer.WriteSettings())
		require.NoError(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, EndHeaders: true}))
	}
	_, varnishd := g.connectSaying(t, request.String())
	splice := g.splice(t)
	_, err := varnishd.Write(answer.Bytes())
	require.NoError(t, err)
	require.NoError(t, varnishd.CloseWrite())
	splice.awaitEnd(t)

	g.GoAway(false)
	splice.call(func() { assert.False(t, splice.over) })
}

// TestManySmallRecordsLockNobodyOut counts what one client says before the others of its loop have their turn.
func TestManySmallRecordsLockNobodyOut(t *testing.T) {
	var reads atomic.Int64
	g := startGatewayOf(t, like{client: func(c *Conn) Client { return endless{plainClient{c}, &reads} }}, Options{})
	_, varnishd := g.connectSaying(t, "")
	var hearing sync.WaitGroup
	hearing.Go(func() { _, _ = io.Copy(io.Discard, varnishd) })
	splice := g.splice(t)
	for range 100 {
		var before int64
		turn := make(chan int64)
		splice.Post(func() {
			before = reads.Load()
			splice.Post(func() { turn <- reads.Load() })
		})
		assert.LessOrEqual(t, <-turn-before, int64(3*turns*records))
	}
	g.Close()
	hearing.Wait()
}

func TestNothingIsLeftOfAConnectionThatWasWaitedFor(t *testing.T) {
	g := startGateway(t, Options{WriteTimeout: time.Hour})
	client, varnishd := g.connect(t)
	left := weak.Make(g.splice(t))
	fill(t, varnishd)
	require.NoError(t, client.SetLinger(0), "close with a reset")
	require.NoError(t, client.Close())
	varnishtest.Eventually(t, "its memory is free", func() bool {
		runtime.GC()
		return left.Value() == nil
	})
}

// TestAClientThatCancelsTooMuchIsEnded counts what varnishd hears of it.
func TestAClientThatCancelsTooMuchIsEnded(t *testing.T) {
	const many = 3000
	g := startGatewayOf(t, like{client: func(c *Conn) Client { return plainClient{c} }, http2: true}, Options{})
	client, varnishd := g.connectSaying(t, http2.ClientPreface)
	var heard sync.WaitGroup
	resets := 0
	heard.Go(func() {
		for framer := http2.NewFramer(io.Discard, varnishd); ; {
			frame, err := framer.ReadFrame()
			if err != nil {
				return
			}
			if frame.Header().Type == http2.FrameRSTStream {
				resets++
			}
		}
	})
	var flood bytes.Buffer
	framer := http2.NewFramer(&flood, nil)
	for n := range uint32(many) {
		require.NoError(t, framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 2*n + 1, EndHeaders: true, EndStream: true}))
		require.NoError(t, framer.WriteRSTStream(2*n+1, http2.ErrCodeCancel))
	}
	_, _ = client.Write(flood.Bytes())
	_, _ = io.Copy(io.Discard, client)
	heard.Wait()
	assert.LessOrEqual(t, resets, 1000)
	varnishtest.Eventually(t, "it ends", func() bool { return g.Stats().Open == 0 })
}
