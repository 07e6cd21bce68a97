package tlsterm

import (
	"context"
	"net"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/proxy"
)

func TestDrainWaitsForOpenConnections(t *testing.T) {
	term := startPresenting(t, proxy.Options{}, false)
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
	term := startPresenting(t, proxy.Options{}, false)
	startVarnishd(t, term.path, echo)
	conn := connect(t, term)
	assertEcho(t, conn, "hello")
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	err := term.Drain(ctx)
	require.ErrorIs(t, err, context.Canceled)
	require.ErrorContains(t, err, "1 client connections are still open")
}

func TestCloseEndsEveryConnection(t *testing.T) {
	term := startPresenting(t, proxy.Options{DialTimeout: time.Hour}, false)
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
