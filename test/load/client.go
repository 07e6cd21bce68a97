package load

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync"
)

// client is one connection that is kept alive, and opened anew where it cannot be.
type client struct {
	config Config
	gate   *sync.RWMutex
	// raw is the TCP connection under wire.
	raw  net.Conn
	wire wire
}

// wire speaks one version of HTTP on a connection.
type wire interface {
	// usable tells whether a request may be sent on the idle connection.
	usable() bool
	// ask sends a request, and gives the head of its answer. Where there is none, the outcome says what
	// became of the request.
	ask(*http.Request) (*http.Response, Outcome, error)
}

// newClient opens connections only while it can hold the gate shared.
func newClient(config Config, gate *sync.RWMutex) *client {
	return &client{config: config, gate: gate}
}

// exchange sends one request and reads its answer. A connection that turns out to be closed before
// anything was sent is opened anew, once.
func (c *client) exchange() (Outcome, error) {
	outcome, err := c.attempt()
	if errors.Is(err, errUnsent) {
		c.close()
		outcome, err = c.attempt()
	}
	return outcome, err
}

func (c *client) attempt() (Outcome, error) {
	if c.wire == nil || !c.wire.usable() {
		c.close()
		c.gate.RLock()
		err := c.open()
		c.gate.RUnlock()
		if err != nil {
			c.close()
			return ConnectFailed, err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), c.config.Timeout)
	defer cancel()
	response, outcome, err := c.wire.ask(c.config.Request().WithContext(ctx))
	if err != nil {
		return c.lost(outcome, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return c.lost(CutAnswer, err)
	}
	return c.config.judge(response, body)
}

// open makes a connection that requests can be sent on.
func (c *client) open() error {
	ctx, cancel := context.WithTimeout(context.Background(), c.config.Timeout)
	defer cancel()
	protocol, speak := "http/1.1", newHTTP1
	if c.config.HTTP2 {
		protocol, speak = "h2", newHTTP2
	}
	conn, err := c.dial(ctx, protocol)
	if err == nil {
		c.wire, err = speak(ctx, c.raw, conn)
	}
	return err
}

// dial opens a connection: over TLS where the configuration has it, with this protocol of ALPN.
func (c *client) dial(ctx context.Context, protocol string) (net.Conn, error) {
	var err error
	if c.raw, err = new(net.Dialer).DialContext(ctx, "tcp", c.config.Address); err != nil {
		return nil, err
	}
	if c.config.TLS == nil {
		return c.raw, nil
	}
	settings := c.config.TLS.Clone()
	settings.NextProtos = []string{protocol}
	conn := tls.Client(c.raw, settings)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, err
	}
	if got := conn.ConnectionState().NegotiatedProtocol; got != protocol {
		return nil, fmt.Errorf("the server chose protocol %q, not %s", got, protocol)
	}
	return conn, nil
}

// lost gives up a connection in the middle of an exchange.
func (c *client) lost(outcome Outcome, err error) (Outcome, error) {
	c.close()
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return TimedOut, err
	}
	return outcome, err
}

func (c *client) close() {
	if c.raw != nil {
		_ = c.raw.Close()
	}
	c.raw, c.wire = nil, nil
}
