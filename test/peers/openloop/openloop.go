// Package openloop sends requests at a fixed rate, whether or not earlier ones have been answered,
// and measures each latency from the time at which the request was due. So a server that stalls is
// charged for every request that would have come meanwhile ("coordinated omission" is the name of
// the mistake of not doing so).
//
// It is one thread with epoll(7) and costs some microseconds a request, because load generator and
// server usually share the cores.
package openloop

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	"golang.org/x/sys/unix"
)

// Config of a load.
type Config struct {
	// Address of the server, of IPv4.
	Address netip.AddrPort
	// Request as it is sent: HTTP/1.1, without a body.
	Request []byte
	// Next, where it is set, gives the request with this number in the place of Request; the first one is 0.
	Next func(number int) []byte
	// Answered, where it is set, is told of each right answer. It must not keep the answer's bytes.
	Answered func(Exchange)
	// Connections that are kept open. A request that is due while all are busy waits for one.
	Connections int
	// Rate of requests in a second, evenly spaced.
	Rate float64
	// Duration in which requests are due, and Patience in which the last ones may be answered.
	Duration, Patience time.Duration
}

// Exchange is a request with its right answer.
type Exchange struct {
	// Number of the request.
	Number int
	// Sent and Came are when the request was sent, and when its whole answer was there.
	Sent, Came time.Time
	// Latency from the time at which the request was due.
	Latency time.Duration
	// Answer with its head.
	Answer []byte
}

// Result of a load.
type Result struct {
	// Latencies of the right answers (status 200), sorted.
	Latencies []time.Duration
	// Failed requests got no answer, or another one.
	Failed int
	// Example of a failure.
	Example error
}

// Percentile is the least latency that p percent of the answers do not exceed (nearest rank).
func (r Result) Percentile(p float64) time.Duration {
	if len(r.Latencies) == 0 {
		return 0
	}
	rank := int(p/100*float64(len(r.Latencies))+0.999999) - 1
	return r.Latencies[min(max(rank, 0), len(r.Latencies)-1)]
}

// load is a run. Connection i is conns[i].
type load struct {
	Config
	epoll, timer int
	conns        []conn
	// idle connections, that which has been idle longest first.
	idle queue[int]
	// due are the times at which the requests that are not sent yet were due.
	due    queue[time.Duration]
	began  time.Time
	offers int
	// sent is how many requests were sent.
	sent   int
	result Result
}

// Run sends the requests, and returns when all are answered, or Patience is over. An error means
// that there was no load; requests that fail are counted in the result.
func Run(ctx context.Context, config Config) (Result, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	l := &load{Config: config, epoll: -1, timer: -1}
	defer l.close()
	if err := l.open(); err != nil {
		return Result{}, fmt.Errorf("open %d connections to %s: %w", config.Connections, config.Address, err)
	}
	if err := l.loop(ctx); err != nil {
		return Result{}, fmt.Errorf("send requests to %s: %w", config.Address, err)
	}
	slices.Sort(l.result.Latencies)
	return l.result, nil
}

func (l *load) interval() time.Duration { return time.Duration(float64(time.Second) / l.Rate) }

func (l *load) total() int { return int(l.Rate * l.Duration.Seconds()) }

func (l *load) open() error {
	var err error
	if l.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return err
	}
	l.conns = make([]conn, l.Connections)
	for i := range l.conns {
		l.conns[i].fd = -1
	}
	for i := range l.conns {
		if err := l.dial(i); err != nil {
			return err
		}
	}
	l.result.Latencies = make([]time.Duration, 0, l.total())
	if l.timer, err = unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return err
	}
	// The first tick comes after the beginning, and so each request is due when its tick comes.
	l.began = time.Now()
	ticks := unix.ItimerSpec{Interval: unix.NsecToTimespec(int64(l.interval())), Value: unix.NsecToTimespec(1)}
	if err := unix.TimerfdSettime(l.timer, 0, &ticks, nil); err != nil {
		return err
	}
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, l.timer, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: timerEvent})
}

// timerEvent stands for the timer, where events name connections by their index.
const timerEvent = -1

// dial opens connection i. On the loopback that takes no time worth overlapping.
func (l *load) dial(i int) error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	l.conns[i] = conn{fd: fd}
	address := &unix.SockaddrInet4{Port: int(l.Address.Port()), Addr: l.Address.Addr().As4()}
	if err := errors.Join(unix.Connect(fd, address), unix.SetNonblock(fd, true),
		unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)); err != nil {
		return err
	}
	l.idle.push(i)
	return unix.EpollCtl(l.epoll, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLRDHUP, Fd: int32(i)})
}

// tickTimeout bounds a wait in milliseconds, so that an end of the context is seen.
const tickTimeout = 100

func (l *load) loop(ctx context.Context) error {
	events := make([]unix.EpollEvent, 256)
	for !l.done() {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := unix.EpollWait(l.epoll, events, tickTimeout)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		for _, event := range events[:max(n, 0)] {
			if err := l.happened(int(event.Fd)); err != nil {
				return err
			}
		}
		l.offer()
		if err := l.send(); err != nil {
			return err
		}
	}
	l.result.Failed += l.total() - len(l.result.Latencies) - l.result.Failed
	return nil
}

// happened takes an event. The timer goes on when it has been read.
func (l *load) happened(event int) error {
	if event != timerEvent {
		return l.readable(event)
	}
	var ticks [8]byte
	if _, err := unix.Read(l.timer, ticks[:]); err != nil && !errors.Is(err, unix.EAGAIN) {
		return err
	}
	return nil
}

// done tells that every request has been settled, or that no more is waited for.
func (l *load) done() bool {
	return len(l.result.Latencies)+l.result.Failed >= l.total() || time.Since(l.began) > l.Duration+l.Patience
}

// offer queues the requests that are due by now.
func (l *load) offer() {
	now := time.Since(l.began)
	for l.offers < l.total() {
		at := time.Duration(l.offers) * l.interval()
		if at > now {
			return
		}
		l.due.push(at)
		l.offers++
	}
}

func (l *load) send() error {
	for l.due.len() > 0 && l.idle.len() > 0 {
		i, at := l.idle.pop(), l.due.pop()
		c := &l.conns[i]
		c.busy, c.due, c.number, c.sent = true, at, l.sent, time.Now()
		request := l.Request
		if l.Next != nil {
			request = l.Next(l.sent)
		}
		l.sent++
		if n, err := unix.Write(c.fd, request); err != nil || n != len(request) {
			if err := l.lost(i, fmt.Errorf("sent %d bytes: %w", n, err)); err != nil {
				return err
			}
		}
	}
	return nil
}

// readable takes what has come on connection i.
func (l *load) readable(i int) error {
	c := &l.conns[i]
	a, err := c.read()
	switch {
	case err != nil:
		return l.lost(i, err)
	case a.length == 0:
		return nil
	case a.status != 200:
		l.fail(fmt.Errorf("status %d", a.status))
	default:
		came := time.Now()
		latency := came.Sub(l.began) - c.due
		l.result.Latencies = append(l.result.Latencies, latency)
		if l.Answered != nil {
			l.Answered(Exchange{Number: c.number, Sent: c.sent, Came: came, Latency: latency, Answer: c.in[:a.length]})
		}
	}
	c.busy = false
	if a.last {
		return errors.Join(unix.Close(c.fd), l.dial(i))
	}
	l.idle.push(i)
	return nil
}

// lost replaces a connection. It is a failure only where a request was on it: any server may end an
// idle one.
func (l *load) lost(i int, err error) error {
	c := &l.conns[i]
	if c.busy {
		l.fail(err)
	} else {
		l.idle.remove(i)
	}
	return errors.Join(unix.Close(c.fd), l.dial(i))
}

func (l *load) fail(err error) {
	l.result.Failed++
	l.result.Example = err
}

func (l *load) close() {
	for _, c := range l.conns {
		closeOpen(c.fd)
	}
	closeOpen(l.timer)
	closeOpen(l.epoll)
}

func closeOpen(fd int) {
	if fd >= 0 {
		_ = unix.Close(fd) // nothing was written that could be lost
	}
}
