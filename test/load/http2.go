package load

// The standard library's http.ClientConn has no ping, which dial needs.
//lint:file-ignore SA1019 see above

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// client2 is one connection of HTTP/2 that is kept alive: over TLS where the configuration has one, otherwise with prior
// knowledge. A connection that the server drains by GOAWAY takes no further request, as with every client.
type client2 struct {
	config    Config
	gate      *sync.RWMutex
	transport *http2.Transport
	raw       net.Conn
	conn      *http2.ClientConn
}

func newClient2(config Config, gate *sync.RWMutex) *client2 {
	return &client2{config: config, gate: gate, transport: &http2.Transport{AllowHTTP: true, DisableCompression: true}}
}

func (c *client2) exchange() (Outcome, error) {
	if c.conn == nil || !c.conn.CanTakeNewRequest() {
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

// dial returns when the server's preface is there: until then nobody knows that it takes the connection.
func (c *client2) dial() error {
	ctx, cancel := context.WithTimeout(context.Background(), c.config.Timeout)
	defer cancel()
	raw, err := new(net.Dialer).DialContext(ctx, "tcp", c.config.Address)
	if err != nil {
		return err
	}
	c.raw = raw
	conn := raw
	if c.config.TLS != nil {
		settings := c.config.TLS.Clone()
		settings.NextProtos = []string{http2.NextProtoTLS}
		secure := tls.Client(raw, settings)
		if err := secure.HandshakeContext(ctx); err != nil {
			c.close()
			return err
		}
		if secure.ConnectionState().NegotiatedProtocol != http2.NextProtoTLS {
			c.close()
			return errors.New("the server does not speak HTTP/2")
		}
		conn = secure
	}
	if c.conn, err = c.transport.NewClientConn(conn); err != nil {
		c.close()
		return err
	}
	if err := c.conn.Ping(ctx); err != nil {
		c.close()
		return err
	}
	return nil
}

func (c *client2) roundTrip() (Outcome, error) {
	ctx, cancel := context.WithTimeout(context.Background(), c.config.Timeout)
	defer cancel()
	response, err := c.conn.RoundTrip(c.config.Request().WithContext(ctx))
	if err != nil {
		return c.lost(NoAnswer, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return c.lost(CutAnswer, err)
	}
	return c.config.judge(response, body)
}

// lost gives up a connection in the middle of an exchange.
func (c *client2) lost(outcome Outcome, err error) (Outcome, error) {
	c.close()
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) {
		return TimedOut, err
	}
	return outcome, err
}

func (c *client2) close() {
	if c.conn != nil {
		_ = c.conn.Close()
	}
	if c.raw != nil {
		_ = c.raw.SetDeadline(time.Now())
		_ = c.raw.Close()
	}
	c.raw, c.conn = nil, nil
}
