package load

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
	"syscall"
	"time"
)

// client is one connection that is kept alive.
type client struct {
	config Config
	gate   *sync.RWMutex
	// raw is the TCP connection under conn.
	raw    net.Conn
	conn   net.Conn
	reader *bufio.Reader
}

// newClient opens connections only while it can hold the gate shared.
func newClient(config Config, gate *sync.RWMutex) *client {
	return &client{config: config, gate: gate}
}

// exchange sends one request and reads its answer.
func (c *client) exchange() (Outcome, error) {
	if c.conn == nil || closedByPeer(c.raw) {
		c.close()
		c.gate.RLock()
		err := c.dial()
		c.gate.RUnlock()
		if err != nil {
			return ConnectFailed, err
		}
	}
	return c.roundTrip()
}

func (c *client) dial() error {
	raw, err := net.DialTimeout("tcp", c.config.Address, c.config.Timeout)
	if err != nil {
		return err
	}
	c.raw, c.conn = raw, raw
	if c.config.TLS != nil {
		secure := tls.Client(raw, c.config.TLS)
		_ = raw.SetDeadline(time.Now().Add(c.config.Timeout))
		if err := secure.Handshake(); err != nil {
			c.close()
			return err
		}
		c.conn = secure
	}
	c.reader = bufio.NewReader(c.conn)
	return nil
}

func (c *client) roundTrip() (Outcome, error) {
	request := c.config.Request()
	if err := c.conn.SetDeadline(time.Now().Add(c.config.Timeout)); err != nil {
		return c.lost(NoAnswer, err)
	}
	if err := request.Write(c.conn); err != nil {
		return c.lost(NoAnswer, err)
	}
	if _, err := c.reader.Peek(1); err != nil {
		return c.lost(NoAnswer, err)
	}
	response, err := http.ReadResponse(c.reader, request)
	if err != nil {
		return c.lost(CutAnswer, err)
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return c.lost(CutAnswer, err)
	}
	if response.Close {
		c.close()
	}
	return c.config.judge(response, body)
}

// lost gives up a connection in the middle of an exchange.
func (c *client) lost(outcome Outcome, err error) (Outcome, error) {
	c.close()
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return TimedOut, err
	}
	return outcome, err
}

func (c *client) close() {
	if c.raw != nil {
		_ = c.raw.Close()
	}
	c.raw, c.conn, c.reader = nil, nil, nil
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
