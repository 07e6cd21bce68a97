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

func TestAChildEndsBySignal(t *testing.T) {
	child, err := StartChild(exec.Command("sleep", "600"))
	require.NoError(t, err)
	require.NoError(t, child.End(syscall.SIGTERM, time.Minute))
	assert.ErrorContains(t, child.Err(), "terminated")
	assert.False(t, Alive(child.Pid()))
	assert.NoError(t, child.Signal(os.Interrupt), "one that has ended takes every signal")
}

func TestAChildThatWillNotEndIsKilled(t *testing.T) {
	child, err := StartChild(exec.Command("sh", "-c", "trap '' TERM; echo ready; while :; do read x; done"))
	require.NoError(t, err)
	assert.ErrorContains(t, child.End(syscall.SIGCONT, time.Millisecond), "did not stop within 1ms")
	assert.ErrorContains(t, child.Err(), "killed")
}

func TestAProgramThatIsNotThereIsAnError(t *testing.T) {
	_, err := StartChild(exec.Command("/nonexistent/program"))
	assert.ErrorContains(t, err, "/nonexistent/program")
}
