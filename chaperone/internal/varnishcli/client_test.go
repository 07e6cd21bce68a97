package varnishcli

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// fakeVarnishd is the other end of a connection: it answers each command once the test lets it.
type fakeVarnishd struct {
	// commands are what came, answer gives the body of an answer to the oldest that has none.
	commands, answer chan string
}

func connect(t *testing.T) (*Client, fakeVarnishd) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	theirs, err := net.Dial("tcp", listener.Addr().String())
	require.NoError(t, err)
	ours, err := listener.Accept()
	require.NoError(t, err)
	varnishd := fakeVarnishd{make(chan string, 8), make(chan string)}
	go func() {
		challenge := strings.Repeat("x", 32) + "\n"
		write := func(status int, body string) { fmt.Fprintf(theirs, "%-3d %-8d\n%s\n", status, len(body), body) }
		write(StatusAuth, challenge)
		reader := bufio.NewReader(theirs)
		for first := true; ; first = false {
			command, err := reader.ReadString('\n')
			if err != nil {
				return
			}
			if first {
				write(StatusOK, "banner")
				continue
			}
			varnishd.commands <- strings.TrimSpace(command)
			body, open := <-varnishd.answer
			if !open {
				return
			}
			write(StatusOK, body)
		}
	}()
	client, err := NewClient(t.Context(), ours, []byte("secret\n"))
	require.NoError(t, err)
	t.Cleanup(func() {
		close(varnishd.answer)
		_ = client.Close()
		_ = theirs.Close()
	})
	return client, varnishd
}

func TestACommandThatWaitsForAnotherOneCanGiveUp(t *testing.T) {
	client, varnishd := connect(t)
	loaded := make(chan error, 1)
	go func() { loaded <- client.LoadVCL(t.Context(), "a", "a.vcl") }()
	assert.Contains(t, <-varnishd.commands, "vcl.load")

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := client.Ping(ctx)
	require.ErrorIs(t, err, ErrBusy)
	require.ErrorIs(t, err, context.Canceled)
	assert.False(t, client.Broken(), "the other command goes on")

	varnishd.answer <- ""
	require.NoError(t, <-loaded)
	pinged := make(chan error, 1)
	go func() { pinged <- client.Ping(t.Context()) }()
	assert.Contains(t, <-varnishd.commands, "ping", "what gave up was never sent")
	varnishd.answer <- "PONG"
	require.NoError(t, <-pinged)
}

func TestACommandThatIsGivenUpBreaksTheConnection(t *testing.T) {
	client, varnishd := connect(t)
	ctx, cancel := context.WithCancel(t.Context())
	failed := make(chan error, 1)
	go func() { failed <- client.Ping(ctx) }()
	<-varnishd.commands
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
	assert.True(t, client.Broken(), "its answer would be taken for the next one's")
	require.ErrorContains(t, client.Ping(t.Context()), "broken")
}

func TestCloseEndsTheCommandThatRuns(t *testing.T) {
	client, varnishd := connect(t)
	failed := make(chan error, 1)
	go func() { failed <- client.LoadVCL(t.Context(), "a", "a.vcl") }()
	<-varnishd.commands
	require.NoError(t, client.Close())
	require.Error(t, <-failed)
}
