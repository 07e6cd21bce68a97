package eventloop

import (
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"
	"golang.org/x/sys/unix"
)

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// start gives a loop that runs until the test ends.
func start(t *testing.T) *Loop {
	t.Helper()
	l, err := New()
	require.NoError(t, err)
	var running sync.WaitGroup
	running.Go(func() { assert.NoError(t, l.Run()) })
	t.Cleanup(func() {
		l.Stop()
		running.Wait()
		assert.False(t, l.Post(func() {}), "a loop that has ended calls nothing")
	})
	return l
}

// call calls f in the loop, and waits until it has returned.
func call(l *Loop, f func()) {
	done := make(chan struct{})
	l.Post(func() {
		defer close(done)
		f()
	})
	<-done
}

// pair gives both ends of a connection.
func pair(t *testing.T) (here, there int) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	require.NoError(t, err)
	t.Cleanup(func() {
		for _, fd := range fds {
			_ = unix.Close(fd)
		}
	})
	return fds[0], fds[1]
}

func TestTheLoopTellsWhatIsNew(t *testing.T) {
	l := start(t)
	here, there := pair(t)
	told := make(chan Events, 10)
	call(l, func() {
		_, err := l.Watch(here, func(e Events) { told <- e })
		require.NoError(t, err)
	})
	say := func() {
		_, err := unix.Write(there, []byte("x"))
		require.NoError(t, err)
	}
	say()
	first := <-told
	assert.True(t, first.Readable())
	assert.False(t, first.Ended())
	assert.False(t, first.Writable(), "nobody asked for that")
	say()
	assert.True(t, (<-told).Readable(), "what was not read yet is told of once, what comes behind it as well")
	require.NoError(t, unix.Shutdown(there, unix.SHUT_WR))
	end := <-told
	assert.True(t, end.Readable(), "the end is something to read")
	assert.True(t, end.Ended())
}

func TestWhatIsThereBeforeTheWatchIsToldOf(t *testing.T) {
	l := start(t)
	here, there := pair(t)
	_, err := unix.Write(there, []byte("x"))
	require.NoError(t, err)
	told := make(chan Events, 10)
	call(l, func() {
		_, err := l.Watch(here, func(e Events) { told <- e })
		require.NoError(t, err)
	})
	assert.True(t, (<-told).Readable())
}

func TestTheLoopTellsOfRoomWhereItIsAsked(t *testing.T) {
	l := start(t)
	here, there := pair(t)
	told := make(chan Events, 10)
	var w *Watch
	call(l, func() {
		var err error
		w, err = l.Watch(here, func(e Events) { told <- e })
		require.NoError(t, err)
		for err == nil {
			_, err = unix.Write(here, make([]byte, 64<<10))
		}
		require.ErrorIs(t, err, unix.EAGAIN)
		require.NoError(t, w.Writable(true))
	})
	for err := error(nil); err == nil; {
		_, err = unix.Read(there, make([]byte, 64<<10))
	}
	assert.True(t, (<-told).Writable())
	call(l, func() { require.NoError(t, w.Writable(false)) })
}

func TestAFailureIsBoth(t *testing.T) {
	l := start(t)
	here, there := pair(t)
	_, err := unix.Write(here, []byte("unread"))
	require.NoError(t, err)
	told := make(chan Events, 10)
	call(l, func() {
		_, err := l.Watch(here, func(e Events) { told <- e })
		require.NoError(t, err)
	})
	require.NoError(t, unix.Shutdown(there, unix.SHUT_RDWR))
	for {
		// The end of each way may be told of by itself.
		if e := <-told; e.Writable() {
			assert.True(t, e.Readable())
			assert.True(t, e.Ended())
			return
		}
	}
}

// TestNothingIsToldOfAWatchThatWasClosed closes one of two that are ready in one batch, and gives its place to another.
func TestNothingIsToldOfAWatchThatWasClosed(t *testing.T) {
	l := start(t)
	a, farA := pair(t)
	b, farB := pair(t)
	c, _ := pair(t)
	told := make(chan string, 10)
	call(l, func() {
		var watches [2]*Watch
		watch := func(i, fd int, name string) {
			var err error
			watches[i], err = l.Watch(fd, func(Events) {
				told <- name
				other := watches[1-i]
				other.Close()
				other.Close()
				_, err := l.Watch(c, func(Events) { told <- "nothing is new there" })
				require.NoError(t, err)
			})
			require.NoError(t, err)
		}
		watch(0, a, "one of both")
		watch(1, b, "one of both")
		for _, far := range []int{farA, farB} {
			_, err := unix.Write(far, []byte("x"))
			require.NoError(t, err)
		}
	})
	assert.Equal(t, "one of both", <-told)
	call(l, func() {})
	call(l, func() {})
	assert.Empty(t, told)
}

func TestMoreThanABatchIsTold(t *testing.T) {
	l := start(t)
	const many = 3*batch + 1
	var all sync.WaitGroup
	all.Add(many)
	call(l, func() {
		for range many {
			here, there := pair(t)
			_, err := unix.Write(there, []byte("x"))
			require.NoError(t, err)
			_, err = l.Watch(here, func(Events) { all.Done() })
			require.NoError(t, err)
		}
	})
	all.Wait()
}

func TestAgainComesBehindTheOthers(t *testing.T) {
	l := start(t)
	var order []string
	call(l, func() {
		l.Again(func() {
			order = append(order, "first")
			l.Again(func() { order = append(order, "second") })
		})
		order = append(order, "at once")
	})
	for more := true; more; {
		call(l, func() { more = len(order) < 3 })
	}
	assert.Equal(t, []string{"at once", "first", "second"}, order)
}

func TestPostFromManyAtOnce(t *testing.T) {
	l := start(t)
	const posters, each = 8, 1000
	count := 0
	var all sync.WaitGroup
	for range posters {
		all.Go(func() {
			for range each {
				l.Post(func() { count++ })
			}
		})
	}
	all.Wait()
	call(l, func() { assert.Equal(t, posters*each, count) })
}

func TestWhatWasPostedBeforeStopIsCalled(t *testing.T) {
	l, err := New()
	require.NoError(t, err)
	called := 0
	l.Post(func() { called++ })
	l.Stop()
	require.NoError(t, l.Run())
	assert.Equal(t, 1, called)
}

func TestASocketThatCannotBeWatched(t *testing.T) {
	l := start(t)
	call(l, func() {
		_, err := l.Watch(-1, nil)
		require.ErrorIs(t, err, unix.EBADF)
		here, _ := pair(t)
		_, err = l.Watch(here, func(Events) {})
		require.NoError(t, err, "its place is free")
	})
}
