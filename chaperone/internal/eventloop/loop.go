// Package eventloop waits for many sockets in one goroutine, and calls what is to be done for those that are ready. A
// socket that waits costs no goroutine, and many that are ready cost one wake-up.
package eventloop

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is how many events are taken at once.
const batch = 128

// Loop calls everything in the goroutine that calls Run, one after the other: none of it may wait. Post is safe for
// concurrent use; all else is for that goroutine alone.
type Loop struct {
	// epoll is itself waited for by Go's own poller: a goroutine that waits so takes no thread.
	epoll *os.File
	raw   syscall.RawConn
	fd    int
	// wake is an eventfd, for Post.
	wake int

	watches []*Watch
	free    []int32
	ages    int32
	// events are those of the batch in hand.
	events  [batch]unix.EpollEvent
	again   []func()
	stopped bool

	mu     sync.Mutex
	posted []func()
	// closed says that Run has returned.
	closed bool
}

// New makes a loop; Run releases what it holds.
func New() (*Loop, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	l := &Loop{fd: fd}
	if err := l.open(); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return l, nil
}

func (l *Loop) open() (err error) {
	if l.wake, err = unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK); err != nil {
		return os.NewSyscallError("eventfd", err)
	}
	defer func() {
		if err != nil {
			_ = unix.Close(l.wake)
		}
	}()
	if _, err = l.Watch(l.wake, func(Events) { l.heard() }); err != nil {
		return err
	}
	// Only a descriptor that does not block is taken by Go's poller.
	if err = unix.SetNonblock(l.fd, true); err != nil {
		return os.NewSyscallError("fcntl", err)
	}
	l.epoll = os.NewFile(uintptr(l.fd), "epoll")
	if l.raw, err = l.epoll.SyscallConn(); err != nil {
		return fmt.Errorf("wait for epoll: %w", err)
	}
	return nil
}

// Run calls until Stop. What was posted before Stop is called.
func (l *Loop) Run() error {
	defer l.close()
	var err error
	waitErr := l.raw.Read(func(uintptr) bool {
		for {
			more, turnErr := l.turn()
			if turnErr != nil || l.stopped {
				err = turnErr
				return true
			}
			if !more {
				return false
			}
		}
	})
	return errors.Join(err, waitErr)
}

// turn calls for one batch of events; more says that there may be another one at once.
func (l *Loop) turn() (more bool, err error) {
	n, err := l.take()
	if err != nil {
		return false, err
	}
	for i := range n {
		l.call(&l.events[i])
	}
	again := l.again
	l.again = nil
	for _, f := range again {
		f()
	}
	// Sockets tell of what is new: what comes after a batch that was not full, epoll tells of once more.
	return n == batch || len(l.again) > 0, nil
}

// take fills events with those that there are. The call does not wait, so Go's scheduler need not hear of it.
func (l *Loop) take() (int, error) {
	for {
		n, _, errno := unix.RawSyscall6(unix.SYS_EPOLL_PWAIT,
			uintptr(l.fd), uintptr(unsafe.Pointer(&l.events)), batch, 0, 0, 0)
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
			continue
		}
		return 0, os.NewSyscallError("epoll_wait", errno)
	}
}

// call does what is to be done for an event, but where its socket was closed earlier in the batch.
func (l *Loop) call(event *unix.EpollEvent) {
	w := l.watches[event.Fd]
	if w == nil || w.age != event.Pad {
		return
	}
	w.ready(Events(event.Events))
}

// Again calls f once the others that are ready now have had their turn.
func (l *Loop) Again(f func()) { l.again = append(l.again, f) }

// Post calls f soon, in the goroutine of the loop. It says false where Run has returned.
func (l *Loop) Post(f func()) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return false
	}
	l.posted = append(l.posted, f)
	if len(l.posted) == 1 {
		// An eventfd takes 2^64-2 of them.
		_, _ = unix.Write(l.wake, []byte{1, 0, 0, 0, 0, 0, 0, 0})
	}
	return true
}

// heard calls what was posted.
func (l *Loop) heard() {
	var count [8]byte
	_, _ = unix.Read(l.wake, count[:])
	l.mu.Lock()
	posted := l.posted
	l.posted = nil
	l.mu.Unlock()
	for _, f := range posted {
		f()
	}
}

// Stop makes Run return.
func (l *Loop) Stop() { l.Post(func() { l.stopped = true }) }

func (l *Loop) close() {
	l.mu.Lock()
	l.closed = true
	l.mu.Unlock()
	_ = unix.Close(l.wake)
	_ = l.epoll.Close()
}
