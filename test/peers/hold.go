package peers

import (
	"bufio"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// holder keeps connections open.
type holder struct {
	address netip.AddrPort
	// tls of the connections; nil for plain ones.
	tls *tls.Config
	// http2 speaks HTTP/2 on them; answers are always waited for then.
	http2 bool

	mu    sync.Mutex
	conns []net.Conn
	// answered and refused are how many requests have been answered, with status 200 or another.
	answered, refused atomic.Int64
	readers           sync.WaitGroup
}

// openAtOnce is how many connections are being opened at a time.
const openAtOnce = 64

// open makes n connections and sends a request on each. With wait each answer is read before its
// place among openAtOnce is given to another; otherwise answers are read in the background.
func (h *holder) open(ctx context.Context, n int, wait bool) error {
	places := make(chan struct{}, openAtOnce)
	failures := make(chan error, n)
	var group sync.WaitGroup
	for range n {
		places <- struct{}{}
		group.Go(func() {
			defer func() { <-places }()
			failures <- h.one(ctx, wait)
		})
	}
	group.Wait()
	close(failures)
	for err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

// warmUp opens connections like those of h, as many at once, and ends them: a server that has just started has yet to touch
// the memory of its threads, and what it takes for that is not the connections'.
func (h *holder) warmUp(ctx context.Context) error {
	const connections = 8 * openAtOnce
	other := &holder{address: h.address, tls: h.tls, http2: h.http2}
	defer other.close()
	return other.open(ctx, connections, true)
}

func (h *holder) one(ctx context.Context, wait bool) error {
	conn, err := (&net.Dialer{Timeout: 10 * time.Second}).DialContext(ctx, "tcp", h.address.String())
	if err != nil && !wait && ctx.Err() == nil {
		return nil // the peer takes no more of them, which is seen in the counts
	}
	if err != nil {
		return err
	}
	if h.tls != nil {
		conn = tls.Client(conn, h.tls)
	}
	h.mu.Lock()
	h.conns = append(h.conns, conn)
	h.mu.Unlock()
	if h.http2 {
		if err := askHTTP2(conn); err != nil {
			return fmt.Errorf("HTTP/2: %w", err)
		}
		h.answered.Add(1)
		return nil
	}
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: "+firstHost+"\r\n\r\n"); err != nil {
		return err
	}
	if wait {
		return h.read(conn)
	}
	h.readers.Go(func() {
		// An answer that does not come is missing in the counts. Who has been answered waits for
		// nothing, and is to take no memory of the peer.
		_ = h.read(conn)
		_ = conn.Close()
	})
	return nil
}

// read takes an answer. Its buffer is given back, since thousands are open.
func (h *holder) read(conn net.Conn) error {
	response, err := http.ReadResponse(bufio.NewReaderSize(conn, 1024), nil)
	if err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		return fmt.Errorf("reading an answer: %w", err)
	}
	if response.StatusCode == http.StatusOK {
		h.answered.Add(1)
	} else {
		h.refused.Add(1)
	}
	return nil
}

// alive is how many connections the peer has not ended.
func (h *holder) alive() (int, error) {
	n := 0
	for _, conn := range h.conns {
		ended, err := endedByPeer(conn)
		if err != nil {
			return 0, err
		}
		if !ended {
			n++
		}
	}
	return n, nil
}

// endedByPeer looks whether the other side has closed a connection, whatever it has sent before
// (POLLRDHUP, poll(2)).
func endedByPeer(conn net.Conn) (bool, error) {
	if secure, ok := conn.(*tls.Conn); ok {
		conn = secure.NetConn()
	}
	raw, err := conn.(syscall.Conn).SyscallConn()
	if err != nil {
		return false, err
	}
	poll := []unix.PollFd{{Events: unix.POLLRDHUP}}
	var pollErr error
	err = raw.Control(func(fd uintptr) {
		poll[0].Fd = int32(fd)
		// A signal may come in between (EINTR), such as those of Go's scheduler.
		for pollErr = unix.EINTR; errors.Is(pollErr, unix.EINTR); {
			_, pollErr = unix.Poll(poll, 0)
		}
	})
	return poll[0].Revents != 0, errors.Join(err, pollErr)
}

func (h *holder) close() {
	for _, conn := range h.conns {
		_ = conn.Close() // nothing was sent that could be lost
	}
	h.readers.Wait()
}
