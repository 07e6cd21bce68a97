package proxy

import (
	"errors"
	"io"
	"os"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/varnish-gateway/gateway/chaperone/internal/eventloop"
)

// errNothingYet says that there is nothing to read at this moment. It is a temporary net.Error, so that a tls.Conn which
// gets it can be read again.
var errNothingYet error = nothingYet{}

type nothingYet struct{}

func (nothingYet) Error() string   { return "nothing to read yet" }
func (nothingYet) Timeout() bool   { return true }
func (nothingYet) Temporary() bool { return true }

// nonblocking is a socket that an event loop waits for. What it has no room for is kept, and written later.
type nonblocking struct {
	fd    int
	loop  *loop
	watch *eventloop.Watch
	// readable says that there may be something to read; ended that the other side's end is among it, of which nothing
	// more will tell.
	readable, ended bool
	// kept is what is to be written still; shut says that nothing follows it.
	kept []byte
	shut bool
}

// join waits for the socket at loop; changed is called when it is ready.
func (s *nonblocking) join(l *loop, changed func(eventloop.Events)) (err error) {
	s.readable = true
	s.loop = l
	l.kept += len(s.kept)
	s.watch, err = l.Watch(s.fd, func(events eventloop.Events) {
		s.readable = s.readable || events.Readable()
		s.ended = s.ended || events.Ended()
		changed(events)
	})
	if err != nil {
		return err
	}
	return s.watch.Writable(s.full())
}

// Read gives what there is, and errNothingYet where there is nothing.
func (s *nonblocking) Read(data []byte) (int, error) {
	if !s.readable {
		return 0, errNothingYet
	}
	n, err := now(unix.SYS_READ, s.fd, data)
	switch {
	case errors.Is(err, unix.EAGAIN):
		s.readable = false
		return 0, errNothingYet
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	case n == 0:
		return 0, io.EOF
	}
	// Where less came than there was room for, that was all.
	s.readable = n == len(data) || s.ended
	return n, nil
}

// write writes what there is room for, and keeps the rest.
func (s *nonblocking) write(data []byte) error {
	if len(s.kept) == 0 {
		n, err := s.writeOnce(data)
		if err != nil {
			return err
		}
		data = data[n:]
	}
	s.kept = append(s.kept, data...)
	s.loop.kept += len(data)
	return s.watch.Writable(s.full())
}

// full says that there is no room: what is written would be kept.
func (s *nonblocking) full() bool { return len(s.kept) > 0 }

// writeKept writes more of what was kept. It says whether anything went out.
func (s *nonblocking) writeKept() (progress bool, err error) {
	if !s.full() {
		return false, nil
	}
	n, err := s.writeOnce(s.kept)
	if err != nil {
		return false, err
	}
	s.loop.kept -= n
	if s.kept = s.kept[n:]; len(s.kept) == 0 {
		s.kept = nil
	}
	if err := s.watch.Writable(s.full()); err != nil {
		return false, err
	}
	if s.shut && !s.full() {
		err = unix.Shutdown(s.fd, unix.SHUT_WR)
	}
	return n > 0, err
}

// closeWrite says that nothing more will be written, once what is kept is.
func (s *nonblocking) closeWrite() {
	if s.shut {
		return
	}
	if s.shut = true; !s.full() {
		_ = unix.Shutdown(s.fd, unix.SHUT_WR)
	}
}

func (s *nonblocking) writeOnce(data []byte) (int, error) {
	n, err := now(unix.SYS_WRITE, s.fd, data)
	if errors.Is(err, unix.EAGAIN) {
		return 0, nil
	}
	return max(n, 0), os.NewSyscallError("write", err)
}

// drop forgets what was kept.
func (s *nonblocking) drop() {
	s.loop.kept -= len(s.kept)
	s.kept = nil
}

// close closes the socket.
func (s *nonblocking) close() {
	if s.loop != nil {
		s.drop()
	}
	if s.watch != nil {
		s.watch.Close()
	}
	_ = unix.Close(s.fd)
}

// now reads or writes. The call never waits, so Go's scheduler need not hear of it: it would give the processor of a
// thread that the kernel suspends meanwhile, such as for the one that it wakes, to another.
func now(call uintptr, fd int, data []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(call, uintptr(fd), uintptr(unsafe.Pointer(unsafe.SliceData(data))), uintptr(len(data)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		}
		return 0, errno
	}
}
