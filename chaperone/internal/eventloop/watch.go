package eventloop

import (
	"os"

	"golang.org/x/sys/unix"
)

// Events says what a socket is ready for.
type Events uint32

// Readable says that there is something new to read, which may be the end.
func (e Events) Readable() bool {
	return e&(unix.EPOLLIN|unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0
}

// Ended says that the other side says no more: nothing new will be told of.
func (e Events) Ended() bool { return e&(unix.EPOLLRDHUP|unix.EPOLLHUP|unix.EPOLLERR) != 0 }

// Failed says that the connection is gone, both ways.
func (e Events) Failed() bool { return e&unix.EPOLLERR != 0 }

// Writable says that there is room again, or that writing fails.
func (e Events) Writable() bool { return e&(unix.EPOLLOUT|unix.EPOLLHUP|unix.EPOLLERR) != 0 }

// Watch is a socket that a Loop waits for.
type Watch struct {
	loop *Loop
	fd   int
	// slot is its place among the loop's; age tells it from others that had the place before.
	slot, age int32
	ready     func(Events)
	writable  bool
}

// told are the events that are always told of, each time that something is new (EPOLLET).
const told = unix.EPOLLIN | unix.EPOLLRDHUP | unix.EPOLLET

// Watch calls ready when there is something new to read at fd. What is there already is told of as well.
func (l *Loop) Watch(fd int, ready func(Events)) (*Watch, error) {
	w := &Watch{loop: l, fd: fd, ready: ready}
	if n := len(l.free); n > 0 {
		w.slot = l.free[n-1]
		l.free = l.free[:n-1]
	} else {
		w.slot = int32(len(l.watches))
		l.watches = append(l.watches, nil)
	}
	l.ages++
	w.age = l.ages
	if err := w.control(unix.EPOLL_CTL_ADD); err != nil {
		l.free = append(l.free, w.slot)
		return nil, err
	}
	l.watches[w.slot] = w
	return w, nil
}

// Writable says whether ready is called as well when there is room to write.
func (w *Watch) Writable(wanted bool) error {
	if w.writable == wanted {
		return nil
	}
	w.writable = wanted
	return w.control(unix.EPOLL_CTL_MOD)
}

// Close ends the watch: ready is not called any more. The socket is the caller's to close, afterwards.
func (w *Watch) Close() {
	if w.loop.watches[w.slot] != w {
		return
	}
	w.loop.watches[w.slot] = nil
	w.loop.free = append(w.loop.free, w.slot)
	_ = w.control(unix.EPOLL_CTL_DEL)
}

func (w *Watch) control(operation int) error {
	event := unix.EpollEvent{Events: told, Fd: w.slot, Pad: w.age}
	if w.writable {
		event.Events |= unix.EPOLLOUT
	}
	return os.NewSyscallError("epoll_ctl", unix.EpollCtl(w.loop.fd, operation, w.fd, &event))
}
