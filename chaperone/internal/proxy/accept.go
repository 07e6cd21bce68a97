package proxy

import (
	"context"
	"errors"
	"math"
	"net"
	"time"

	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/retry"
)

// Bounds of the pause after a failed accept, such as one for want of file descriptors.
const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

// accept gives every connection to start, until ctx ends (nil) or the listener is closed by somebody
// else. Other errors pass by themselves, so it tries again, ever more slowly.
func accept(ctx context.Context, listener net.Listener, start func(net.Conn)) error {
	backoff := retry.Backoff{First: minAcceptPause, Longest: maxAcceptPause, Steady: math.MaxInt64}
	for {
		conn, err := listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close()
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			retry.Sleep(ctx, clock.RealClock{}, backoff.After(0))
		default:
			backoff.Reset()
			start(conn)
		}
	}
}
