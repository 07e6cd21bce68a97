package supervise

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
)

// connectTo names, to the test binary itself, the address to which it connects, before it waits for the end of the connection.
const connectTo = "SUPERVISE_TEST_CONNECT"

// asConnector connects, and greets as varnishd does.
func asConnector(address string) {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	conn.Write(varnishcli.AppendResponse(nil, varnishcli.Response{Status: varnishcli.StatusAuth, Body: strings.Repeat("x", 32) + "\n"}))
	reader := bufio.NewReader(conn)
	if _, err := reader.ReadString('\n'); err == nil {
		conn.Write(varnishcli.AppendResponse(nil, varnishcli.Response{Status: varnishcli.StatusOK, Body: "varnish-7.7.0"}))
	}
	reader.WriteTo(io.Discard)
	os.Exit(0)
}

// startConnector starts a process that connects, as the program itself or as the child of a shell.
func startConnector(t *testing.T, address string, wrapped bool) Process {
	t.Helper()
	script := fmt.Sprintf("export %s=%s; ", connectTo, address)
	if wrapped {
		// A last command of a shell would take the shell's place.
		script += fmt.Sprintf("%q; true", os.Args[0])
	} else {
		script += fmt.Sprintf("exec %q", os.Args[0])
	}
	process, err := Start("/bin/sh", []string{"-c", script}, nil, func(line string) { t.Log(line) })
	require.NoError(t, err)
	t.Cleanup(func() {
		family, err := familyOf(process.Pid())
		assert.NoError(t, err)
		for _, pid := range family {
			if p, err := os.FindProcess(pid); err == nil {
				p.Kill()
			}
		}
		<-process.Done()
	})
	return process
}

func TestOnlyTheProcessThatWasStartedIsVarnishd(t *testing.T) {
	tests := map[string]struct{ wrapped bool }{
		"the process itself":       {false},
		"one that a script starts": {true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			listener, err := Listen(filepath.Join(t.TempDir(), "secret"))
			require.NoError(t, err)
			defer listener.Close()
			// The impostor is in the queue first.
			impostor, err := net.Dial("tcp", listener.Address())
			require.NoError(t, err)
			defer impostor.Close()
			_, err = impostor.Write(varnishcli.AppendResponse(nil, varnishcli.Response{Status: varnishcli.StatusOK, Body: "varnish-0.0.0"}))
			require.NoError(t, err)
			process := startConnector(t, listener.Address(), test.wrapped)
			ctx, cancel := context.WithTimeout(t.Context(), varnishtest.Deadline)
			defer cancel()
			client, err := listener.Accept(ctx, process.Pid())
			require.NoError(t, err)
			defer client.Close()
			assert.Equal(t, "varnish-7.7.0", client.Banner)
		})
	}
}

func TestAChallengeOfAStrangerIsNotAnswered(t *testing.T) {
	listener, err := Listen(filepath.Join(t.TempDir(), "secret"))
	require.NoError(t, err)
	defer listener.Close()
	impostor, err := net.Dial("tcp", listener.Address())
	require.NoError(t, err)
	defer impostor.Close()
	_, err = impostor.Write(varnishcli.AppendResponse(nil, varnishcli.Response{Status: varnishcli.StatusAuth, Body: strings.Repeat("x", 32) + "\n"}))
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	accepted := make(chan error, 1)
	go func() {
		_, err := listener.Accept(ctx, 1<<30)
		accepted <- err
	}()
	answer, err := bufio.NewReader(impostor).ReadString('\n')
	assert.Error(t, err)
	assert.Empty(t, answer)
	cancel()
	assert.ErrorIs(t, <-accepted, errStranger, "why nobody was taken is told")
}

func TestInodeOf(t *testing.T) {
	const table = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 222 1 0 20 4 30 10 -1
   2: 0100007F:D431 0100007F:1F90 01 00000000:00000000 00:00000000 00000000     0        0 333 1 0 20 4 30 10 -1
`
	server, client := netip.MustParseAddrPort("127.0.0.1:8080"), netip.MustParseAddrPort("127.0.0.1:54321")
	inode, found := inodeOf(table, client, server)
	assert.True(t, found)
	assert.Equal(t, "333", inode)
	_, found = inodeOf(table, client, client)
	assert.False(t, found)
}

func TestParentIn(t *testing.T) {
	pid, parent := parentIn("42 (odd ) name (x) S 7 42 42 0 -1")
	assert.Equal(t, []int{42, 7}, []int{pid, parent})
}
