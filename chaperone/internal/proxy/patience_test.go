package proxy

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
)

// waiting is a splice without connections, in a loop that runs.
func waiting(t *testing.T) (s *splice, finished chan struct{}) {
	t.Helper()
	var loops loops
	loop, err := loops.pick()
	require.NoError(t, err)
	t.Cleanup(loops.stop)
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	finished = make(chan struct{})
	return &splice{
		loop: loop, below: &transport{socket: &nonblocking{fd: pair[0]}}, varnishd: &nonblocking{fd: pair[1]},
		done: func() { close(finished) },
	}, finished
}

// call calls f in the loop, and waits until it has returned.
func (l *loop) call(f func()) {
	done := make(chan struct{})
	l.Post(func() {
		defer close(done)
		f()
	})
	<-done
}

func TestPatience(t *testing.T) {
	const soon, late = time.Millisecond, time.Hour
	t.Run("runs out", func(t *testing.T) {
		s, finished := waiting(t)
		s.call(func() { s.patience.wait(s, soon) })
		<-finished
	})
	t.Run("runs out earlier where less is given than was", func(t *testing.T) {
		s, finished := waiting(t)
		s.call(func() {
			s.patience.wait(s, late)
			s.patience.wait(s, soon)
		})
		<-finished
	})
	t.Run("is given anew", func(t *testing.T) {
		s, _ := waiting(t)
		s.call(func() {
			s.patience.wait(s, soon)
			s.patience.wait(s, late)
		})
		varnishtest.Eventually(t, "the timer waits for the rest", func() (later bool) {
			s.call(func() { later = time.Until(s.patience.fires) > late/2 })
			return later
		})
		s.call(func() {
			assert.False(t, s.over)
			s.finish()
		})
	})
	t.Run("ends", func(t *testing.T) {
		s, _ := waiting(t)
		s.call(func() {
			s.patience.wait(s, soon)
			s.patience.end()
		})
		varnishtest.Eventually(t, "the timer has looked", func() (looked bool) {
			s.call(func() { looked = s.patience.timer == nil })
			return looked
		})
		s.call(func() {
			assert.False(t, s.over)
			s.finish()
		})
	})
}
