package proxy

import (
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// transport is a client's TCP connection. Reads and writes wait while the handshake lasts; after detach they never do,
// and an event loop says when there is something to do.
type transport struct {
	net.Conn
	// socket is there once detached.
	socket *nonblocking
	// out takes what is written, until it is flushed as one: TLS writes each record of a long piece by itself, and each
	// would wake the client.
	out *[]byte
}

// Read gives errNothingYet where it would have to wait, once detached.
func (t *transport) Read(data []byte) (int, error) {
	if t.socket == nil {
		return t.Conn.Read(data)
	}
	return t.socket.Read(data)
}

// Write writes at once, or keeps it for flush once detached.
func (t *transport) Write(data []byte) (int, error) {
	if t.socket == nil {
		return t.Conn.Write(data)
	}
	*t.out = append(*t.out, data...)
	return len(data), nil
}

// flush writes what was kept.
func (t *transport) flush() error {
	if len(*t.out) == 0 {
		return nil
	}
	err := t.socket.write(*t.out)
	*t.out = (*t.out)[:0]
	return err
}

// detach takes the connection out of Go's poller.
func (t *transport) detach() error {
	conn, ok := t.Conn.(syscall.Conn)
	if !ok {
		return fmt.Errorf("%T is not a socket", t.Conn)
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	fd := -1
	var dupErr error
	if err := raw.Control(func(original uintptr) {
		fd, dupErr = unix.FcntlInt(original, unix.F_DUPFD_CLOEXEC, 0)
	}); err != nil {
		return err
	}
	if dupErr != nil {
		return os.NewSyscallError("fcntl", dupErr)
	}
	_ = t.Close()
	t.socket = &nonblocking{fd: fd}
	return nil
}
