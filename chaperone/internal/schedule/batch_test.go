package schedule

import (
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

func TestEveryThreadAndChildIsOfBatch(t *testing.T) {
	for range 8 {
		// Threads that are there already, and wait.
		release := make(chan struct{})
		defer close(release)
		go func() {
			runtime.LockOSThread()
			<-release
		}()
	}
	require.NoError(t, Batch())
	threads, err := os.ReadDir("/proc/self/task")
	require.NoError(t, err)
	for _, thread := range threads {
		id, err := strconv.Atoi(thread.Name())
		require.NoError(t, err)
		attributes, err := unix.SchedGetAttr(id, 0)
		if err == unix.ESRCH {
			continue
		}
		require.NoError(t, err)
		assert.EqualValues(t, unix.SCHED_BATCH, attributes.Policy)
	}
	// The policy is the 41st field (proc_pid_stat(5)), the 39th behind the name in parentheses.
	stat, err := exec.Command("cat", "/proc/self/stat").Output()
	require.NoError(t, err)
	_, fields, found := strings.Cut(string(stat), ") ")
	require.True(t, found)
	assert.Equal(t, strconv.Itoa(unix.SCHED_BATCH), strings.Fields(fields)[38], "a program that is started is one too")
	require.NoError(t, Batch(), "once more changes nothing")
}

func TestAThreadThatHasEndedIsNone(t *testing.T) {
	cmd := exec.Command("true")
	require.NoError(t, cmd.Run())
	set, err := batch(cmd.Process.Pid)
	require.NoError(t, err)
	assert.False(t, set)
}
