package peers

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// slowOrigin answers at once, or when it is told to.
type slowOrigin struct {
	listener net.Listener
	mu       sync.Mutex
	// hold is what requests wait for; nil while nobody has to wait.
	hold *hold
}

// hold is a time in which requests wait.
type hold struct {
	release chan struct{}
	waiting int
	conns   sync.WaitGroup
}

func startSlowOrigin(address netip.AddrPort) (*slowOrigin, error) {
	listener, err := net.Listen("tcp", address.String())
	if err != nil {
		return nil, err
	}
	o := &slowOrigin{listener: listener}
	go o.accept()
	return o, nil
}

// acceptPause is the time until the next try where there is no file left for a connection.
const acceptPause = 10 * time.Millisecond

func (o *slowOrigin) accept() {
	for {
		conn, err := o.listener.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil:
			time.Sleep(acceptPause)
		default:
			go o.serve(conn)
		}
	}
}

// serve answers one request. The connection ends with that, so that none is left when the next peer
// is measured.
func (o *slowOrigin) serve(conn net.Conn) {
	defer conn.Close()
	request, err := http.ReadRequest(bufio.NewReaderSize(conn, 1024))
	if err != nil {
		return // the peer has ended the connection
	}
	_ = request.Body.Close() // it is empty
	h := o.enter()
	if h != nil {
		<-h.release
	}
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nOK")
	_ = conn.Close()
	if h != nil {
		h.conns.Done()
	}
}

// enter gives what a request has to wait for; nil for nothing.
func (o *slowOrigin) enter() *hold {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.hold != nil {
		o.hold.waiting++
		o.hold.conns.Add(1)
	}
	return o.hold
}

// start makes requests wait from now on, until the function that it gives is called. That one
// returns when all have been answered.
func (o *slowOrigin) start() (release func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	h := &hold{release: make(chan struct{})}
	o.hold = h
	return func() {
		o.mu.Lock()
		o.hold = nil
		o.mu.Unlock()
		close(h.release)
		h.conns.Wait()
	}
}

// held is how many requests wait.
func (o *slowOrigin) held() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.hold == nil {
		return 0
	}
	return o.hold.waiting
}

func (o *slowOrigin) close() error { return o.listener.Close() }
