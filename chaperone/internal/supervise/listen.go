package supervise

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
)

// Listener is where varnishd connects its CLI (-M).
type Listener struct {
	tcp    *net.TCPListener
	secret []byte
}

// Listen opens a port on the loopback device, and writes a fresh secret to a file that only this user
// can read.
func Listen(secretFile string) (*Listener, error) {
	random := make([]byte, 32)
	rand.Read(random)
	secret := []byte(hex.EncodeToString(random) + "\n")
	if err := os.WriteFile(secretFile, secret, 0o600); err != nil {
		return nil, fmt.Errorf("writing varnishd's secret: %w", err)
	}
	tcp, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return nil, fmt.Errorf("listening for varnishd's CLI: %w", err)
	}
	return &Listener{tcp: tcp, secret: secret}, nil
}

// Address is what varnishd's -M takes.
func (l *Listener) Address() string { return l.tcp.Addr().String() }

// Accept waits for the varnishd of the given process number. Others on this host may connect too: they are
// turned away, without a word.
func (l *Listener) Accept(ctx context.Context, pid int) (*varnishcli.Client, error) {
	stop := context.AfterFunc(ctx, func() { l.tcp.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		stop()
		l.tcp.SetDeadline(time.Time{})
	}()
	var refused error
	for {
		conn, err := l.tcp.Accept()
		if ctx.Err() != nil {
			if err == nil {
				conn.Close()
			}
			return nil, fmt.Errorf("waiting for varnishd's CLI: %w", errors.Join(ctx.Err(), refused))
		}
		if err != nil {
			return nil, fmt.Errorf("waiting for varnishd's CLI: %w", err)
		}
		client, err := l.take(ctx, conn, pid)
		if err == nil {
			return client, nil
		}
		refused = err
	}
}

// take makes a client of a connection, or closes it.
func (l *Listener) take(ctx context.Context, conn net.Conn, pid int) (*varnishcli.Client, error) {
	if err := checkPeer(conn, pid); err != nil {
		conn.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, authenticateWithin)
	defer cancel()
	return varnishcli.NewClient(ctx, conn, l.secret)
}

// authenticateWithin is how long a connection may take to prove that it is varnishd.
const authenticateWithin = 5 * time.Second

// Close stops listening.
func (l *Listener) Close() error { return l.tcp.Close() }
