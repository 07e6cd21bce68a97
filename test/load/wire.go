package load

// The standard library's http.ClientConn has no ping, which newHTTP2 needs.
//lint:file-ignore SA1019 see above

import (
	"bufio"
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"syscall"

	"golang.org/x/net/http2"
)

// http1 speaks HTTP/1.1.
type http1 struct {
	raw, conn net.Conn
	reader    *bufio.Reader
	// ends tells that the last answer said so.
	ends bool
}

func newHTTP1(_ context.Context, raw, conn net.Conn) (wire, error) {
	return &http1{raw: raw, conn: conn, reader: bufio.NewReader(conn)}, nil
}

func (w *http1) usable() bool { return !w.ends && !closedByPeer(w.raw) }

func (w *http1) ask(request *http.Request) (*http.Response, Outcome, error) {
	if deadline, ok := request.Context().Deadline(); ok {
		if err := w.conn.SetDeadline(deadline); err != nil {
			return nil, NoAnswer, err
		}
	}
	if err := request.Write(w.conn); err != nil {
		return nil, NoAnswer, err
	}
	if _, err := w.reader.Peek(1); err != nil {
		return nil, NoAnswer, err
	}
	response, err := http.ReadResponse(w.reader, request)
	if err != nil {
		return nil, CutAnswer, err
	}
	w.ends = response.Close
	return response, OK, nil
}

// closedByPeer tells whether the other side has ended an idle connection.
func closedByPeer(conn net.Conn) bool {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return true
	}
	closed := false
	err = raw.Control(func(fd uintptr) {
		var buf [1]byte
		n, _, err := syscall.Recvfrom(int(fd), buf[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
		closed = err != nil && !errors.Is(err, syscall.EAGAIN) || err == nil && n == 0
	})
	return closed || err != nil
}

// http2Wire speaks HTTP/2. A connection that the server drains by GOAWAY takes no further request,
// as with every client.
type http2Wire struct{ conn *http2.ClientConn }

// newHTTP2 returns when the server's preface is there: until then nobody knows that it takes the
// connection.
func newHTTP2(ctx context.Context, _, conn net.Conn) (wire, error) {
	transport := &http2.Transport{AllowHTTP: true, DisableCompression: true}
	client, err := transport.NewClientConn(conn)
	if err != nil {
		return nil, err
	}
	return &http2Wire{conn: client}, client.Ping(ctx)
}

func (w *http2Wire) usable() bool { return w.conn.CanTakeNewRequest() }

func (w *http2Wire) ask(request *http.Request) (*http.Response, Outcome, error) {
	var sent atomic.Bool
	ctx := httptrace.WithClientTrace(request.Context(), &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	response, err := w.conn.RoundTrip(request.WithContext(ctx))
	if err != nil && !sent.Load() {
		err = errors.Join(errUnsent, err) // GOAWAY came since usable
	}
	if err != nil {
		return nil, NoAnswer, err
	}
	return response, OK, nil
}

// errUnsent says of a request that nothing of it was sent.
var errUnsent = errors.New("the connection was closed before the request was sent")
