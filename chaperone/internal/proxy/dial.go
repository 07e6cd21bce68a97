package proxy

import (
	"context"
	"errors"
	"fmt"
	"net"
	"syscall"
	"time"

	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/retry"
)

// dialPause is how long to wait before varnishd is tried again.
const dialPause = 25 * time.Millisecond

// dialer connects to varnishd, and has patience with one that is being restarted.
type dialer struct {
	timeout time.Duration
	pause   time.Duration
}

// dial connects to the unix socket at path and writes the preamble, and what follows it, in one piece.
func (d dialer) dial(ctx context.Context, path string, preamble, first []byte) (*net.UnixConn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	for {
		conn, err := dialOnce(ctx, path, preamble, first)
		if err == nil {
			return conn, nil
		}
		if isAway(err) {
			retry.Sleep(ctx, clock.RealClock{}, d.pause)
		}
		if !isAway(err) || ctx.Err() != nil {
			return nil, fmt.Errorf("connect to varnishd: %w", err)
		}
	}
}

func dialOnce(ctx context.Context, path string, preamble, first []byte) (*net.UnixConn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	pieces := net.Buffers{preamble, first}
	if _, err := pieces.WriteTo(conn); err != nil {
		_ = conn.Close()
		return nil, err
	}
	return conn.(*net.UnixConn), nil
}

// isAway says whether varnishd may answer a little later: it is not there yet (again), ended in the very
// moment, or has a full queue, which a unix socket reports at once where TCP would wait.
func isAway(err error) bool {
	for _, errno := range []syscall.Errno{
		syscall.ENOENT, syscall.ECONNREFUSED, syscall.EAGAIN, syscall.EPIPE, syscall.ECONNRESET,
	} {
		if errors.Is(err, errno) {
			return true
		}
	}
	return false
}
