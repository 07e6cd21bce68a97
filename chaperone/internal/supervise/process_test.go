package supervise

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
)

// parentOf names, to the test binary itself, the file to which it writes the number of a process that it
// starts, before it waits to be killed.
const parentOf = "SUPERVISE_TEST_PARENT"

func TestMain(m *testing.M) {
	if address := os.Getenv(connectTo); address != "" {
		asConnector(address)
	}
	if file := os.Getenv(parentOf); file != "" {
		p, err := Start("/bin/sh", []string{"-c", "sleep 600"}, nil, func(string) {})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.WriteFile(file+".new", []byte(strconv.Itoa(p.Pid())), 0o600)
		os.Rename(file+".new", file)
		<-p.Done()
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func TestAProcessDoesNotOutliveItsParent(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pid")
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), parentOf+"="+file)
	require.NoError(t, parent.Start())
	varnishtest.Eventually(t, "the child is there", func() bool { _, err := os.Stat(file); return err == nil })
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	child, err := strconv.Atoi(string(text))
	require.NoError(t, err)
	require.NoError(t, syscall.Kill(child, 0))
	require.NoError(t, parent.Process.Kill())
	parent.Wait()
	varnishtest.Eventually(t, "the child has ended with its parent", func() bool {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", child))
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

func TestEveryLineOfBothOutputsIsTold(t *testing.T) {
	var mu sync.Mutex
	var lines []string
	p, err := Start("/bin/sh", []string{"-c", "echo one; echo $SECOND >&2; exit 3"}, []string{"SECOND=two"}, func(line string) {
		mu.Lock()
		defer mu.Unlock()
		lines = append(lines, line)
	})
	require.NoError(t, err)
	<-p.Done()
	assert.Equal(t, "exit status 3", p.Outcome())
	require.NoError(t, p.Signal(syscall.SIGTERM), "a process that has ended is no error")
	varnishtest.Eventually(t, "both lines are told", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(lines) == 2
	})
	assert.Equal(t, []string{"one", "two"}, lines)
}

func TestADescendantThatHoldsTheOutputDoesNotHoldUpTheEnd(t *testing.T) {
	p, err := Start("/bin/sh", []string{"-c", "sleep 600 & echo $!"}, nil, func(line string) {
		pid, err := strconv.Atoi(line)
		assert.NoError(t, err)
		t.Cleanup(func() { syscall.Kill(pid, syscall.SIGKILL) })
	})
	require.NoError(t, err)
	<-p.Done()
	assert.Equal(t, "exit status 0", p.Outcome())
}

func TestAnOrphanThatDoesNotEndIsKilled(t *testing.T) {
	cmd := exec.Command("sleep", "600")
	require.NoError(t, cmd.Start())
	orphan, err := HoldOrphan(cmd.Process.Pid)
	require.NoError(t, err)
	assert.True(t, orphan.End(0))
	cmd.Wait()
	assert.Equal(t, "signal: killed", cmd.ProcessState.String())

	_, err = HoldOrphan(cmd.Process.Pid)
	assert.Error(t, err, "nobody can be held who is not there")
}
