package process

import (
	"os"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestTimesOfAProcessAreRead(t *testing.T) {
	for sentence, c := range map[string]struct {
		stat string
		want time.Duration
	}{
		"user and system time": {"7 (sleep) S 1 7 7 0 -1 4194304 100 0 0 0 150 50 900 900 20 0 1 0 9 1 1", 2 * time.Second},
		"a name with spaces":   {"7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 1 2 0 0 20 0 1 0 9 1 1", 30 * time.Millisecond},
	} {
		t.Run(sentence, func(t *testing.T) {
			got, err := cpuTime(c.stat)
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
	for _, stat := range []string{"", "7 (sleep) S 1 7", "7 (sleep) S 1 7 7 0 -1 4194304 100 0 0 0 x 50 9"} {
		_, err := cpuTime(stat)
		assert.Error(t, err, stat)
	}
}

func TestWhatAChildUsesIsPartOfItsTree(t *testing.T) {
	self := os.Getpid()
	memory, err := TreeMemory(self)
	require.NoError(t, err)
	before, err := TreeConsumption(self)
	require.NoError(t, err)
	child, err := StartChild(exec.Command("sh", "-c", "while :; do :; done"))
	require.NoError(t, err)
	defer func() { require.NoError(t, child.End(syscall.SIGKILL, time.Minute)) }()
	tree, err := Tree(self)
	require.NoError(t, err)
	assert.Equal(t, self, tree[0])
	assert.Contains(t, tree, child.Pid())

	require.Eventually(t, func() bool {
		alone, err := TreeConsumption(child.Pid())
		require.NoError(t, err)
		return alone.CPU >= 50*time.Millisecond && alone.Switches > 0
	}, time.Minute, time.Millisecond)
	after, err := TreeConsumption(self)
	require.NoError(t, err)
	used := after.Minus(before)
	assert.GreaterOrEqual(t, used.CPU, 50*time.Millisecond)
	assert.Positive(t, used.Switches)
	assert.Positive(t, memory)
}
