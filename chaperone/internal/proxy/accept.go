package proxy

import (
	"context"
	"errors"
	"net"
	"time"
)

// Bounds of the pause after a failed accept, such as one for want of file descriptors.
const (
	minAcceptPause = 5 * time.Millisecond
	maxAcceptPause = time.Second
)

// accept gives every connection to start, until ctx ends (nil) or the listener is closed by somebody
// else. Other errors pass by themselves, so it tries again, ever more slowly.
func accept(ctx context.Context, listener net.Listener, start func(net.Conn)) error {
	pause := time.Duration(0)
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
			pause = min(max(2*pause, minAcceptPause), maxAcceptPause)
			wait(ctx, pause)
		default:
			pause = 0
			start(conn)
		}
	}
}

// wait returns after d, or when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
