package proxy

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

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

// dial connects to the unix socket at path, and says there what a connection begins with in one piece.
func (d dialer) dial(ctx context.Context, path string, said []byte) (*nonblocking, error) {
	conn, err := dialOnce(path, said)
	if isAway(err) {
		conn, err = d.again(ctx, path, said)
	}
	if err != nil {
		return nil, fmt.Errorf("connect to varnishd: %w", err)
	}
	return conn, nil
}

// again tries until varnishd is there, or the time is over.
func (d dialer) again(ctx context.Context, path string, said []byte) (*nonblocking, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	for {
		retry.Sleep(ctx, clock.RealClock{}, d.pause)
		conn, err := dialOnce(path, said)
		if !isAway(err) || ctx.Err() != nil {
			return conn, err
		}
	}
}

// dialOnce never waits: a unix socket connects at once, or says that its queue is full.
func dialOnce(path string, said []byte) (*nonblocking, error) {
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	s := &nonblocking{fd: fd}
	if err := unix.Connect(fd, &unix.SockaddrUnix{Name: path}); err != nil {
		s.close()
		return nil, os.NewSyscallError("connect", err)
	}
	n, err := s.writeOnce(said)
	if err != nil {
		s.close()
		return nil, err
	}
	if n < len(said) {
		s.kept = append(s.kept, said[n:]...)
	}
	return s, nil
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
