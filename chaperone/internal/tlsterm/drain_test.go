package tlsterm

import (
	"context"
	"errors"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestDrainWaitsForOpenConnections(t *testing.T) {
	term := startPresenting(t, Options{}, false)
	startVarnishd(t, term.path, echo)
	conn := connect(t, term)
	assertEcho(t, conn, "before")
	term.stop()

	_, err := net.Dial("tcp", term.address)
	require.ErrorIs(t, err, syscall.ECONNREFUSED, "nothing new is accepted")
	assertEcho(t, conn, "after")
	assert.Equal(t, 1, term.Stats().Open)

	drained := make(chan error, 1)
	go func() { drained <- term.Drain(context.Background()) }()
	require.NoError(t, conn.CloseWrite())
	require.NoError(t, <-drained)
	assert.Zero(t, term.Stats().Open)
}

func TestDrainEndsWithItsContext(t *testing.T) {
	term := startPresenting(t, Options{}, false)
	startVarnishd(t, term.path, echo)
	conn := connect(t, term)
	assertEcho(t, conn, "hello")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := term.Drain(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "1 TLS connections are still open")
}

func TestCloseEndsEveryConnection(t *testing.T) {
	term := startPresenting(t, Options{DialTimeout: time.Hour}, false)
	inHandshake, err := net.Dial("tcp", term.address)
	require.NoError(t, err)
	defer func() { _ = inHandshake.Close() }()
	waiting := connect(t, term)
	require.Eventually(t, func() bool { return term.Stats().Open == 2 }, deadline, time.Millisecond)

	term.Close()

	_, err = waiting.Read(make([]byte, 1))
	require.Error(t, err)
	assert.Zero(t, term.Stats().Open)
	late, err := net.Dial("tcp", term.address)
	require.NoError(t, err)
	defer func() { _ = late.Close() }()
	require.NoError(t, late.SetDeadline(time.Now().Add(deadline)))
	_, err = late.Read(make([]byte, 1))
	require.Error(t, err, "closed at once")
	require.NotErrorIs(t, err, context.DeadlineExceeded)
}

// flakyListener fails a few times before it gives a connection, then says that it is closed.
type flakyListener struct {
	net.Listener
	errors []error
}

func (f *flakyListener) Accept() (net.Conn, error) {
	if len(f.errors) == 0 {
		return nil, net.ErrClosed
	}
	err := f.errors[0]
	f.errors = f.errors[1:]
	if err != nil {
		return nil, err
	}
	conn, _ := net.Pipe()
	return conn, nil
}

func TestAcceptSurvivesWhatPasses(t *testing.T) {
	listener := &flakyListener{errors: []error{syscall.EMFILE, syscall.ECONNABORTED, nil, errors.New("odd"), nil}}
	accepted := 0
	err := accept(context.Background(), listener, func(conn net.Conn) {
		accepted++
		_ = conn.Close()
	})
	require.ErrorIs(t, err, net.ErrClosed)
	assert.Equal(t, 2, accepted)
}
