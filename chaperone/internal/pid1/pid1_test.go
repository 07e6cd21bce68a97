package pid1

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
)

// script names, to the test binary itself, what it is to run as if it were process 1.
const script = "PID1_TEST_SCRIPT"

func TestMain(m *testing.M) {
	if text := os.Getenv(script); text != "" {
		os.Unsetenv(script)
		// Processes that lose their parent come to this one, as they would to process 1.
		if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(99)
		}
		code, err := Run("/bin/sh", []string{"-c", text})
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(99)
		}
		os.Exit(code)
	}
	os.Exit(m.Run())
}

func start(t *testing.T, text string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), script+"="+text)
	cmd.Stderr = os.Stderr
	require.NoError(t, cmd.Start())
	return cmd
}

func TestTheExitCodeIsTheProgramsOwn(t *testing.T) {
	tests := map[string]struct {
		script string
		want   int
	}{
		"a program that ends well":          {"exit 0", 0},
		"a program that ends with a code":   {"exit 3", 3},
		"a program that a signal has ended": {"kill -KILL $$", 128 + 9},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			cmd := start(t, test.script)
			cmd.Wait()
			assert.Equal(t, test.want, cmd.ProcessState.ExitCode())
		})
	}
}

func TestSignalsAreForwarded(t *testing.T) {
	ready := filepath.Join(t.TempDir(), "ready")
	cmd := start(t, "trap 'exit 7' TERM; touch "+ready+"; while :; do read -r line <>"+fifo(t)+"; done")
	varnishtest.Eventually(t, "the program is ready", func() bool { _, err := os.Stat(ready); return err == nil })
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	cmd.Wait()
	assert.Equal(t, 7, cmd.ProcessState.ExitCode())
}

func TestOrphansAreReaped(t *testing.T) {
	dir := t.TempDir()
	orphan := filepath.Join(dir, "orphan")
	gate := fifo(t)
	// The inner shell loses its parent at once, and ends when the gate opens.
	cmd := start(t, "sh -c 'sh -c \"echo \\$\\$ >"+orphan+".new; mv "+orphan+".new "+orphan+"; read -r line <"+gate+"\" &'; trap 'exit 0' TERM; while :; do read -r line <>"+fifo(t)+"; done")
	varnishtest.Eventually(t, "the orphan is there", func() bool { _, err := os.Stat(orphan); return err == nil })
	text, err := os.ReadFile(orphan)
	require.NoError(t, err)
	pid := strings.TrimSpace(string(text))
	varnishtest.Eventually(t, "the orphan has come to the first process", func() bool { return parentOf(pid) == cmd.Process.Pid })
	require.NoError(t, os.WriteFile(gate, []byte("\n"), 0))
	varnishtest.Eventually(t, "nothing is left of the orphan, not even a zombie", func() bool {
		_, err := os.Stat("/proc/" + pid)
		return os.IsNotExist(err)
	})
	require.NoError(t, cmd.Process.Signal(syscall.SIGTERM))
	cmd.Wait()
	assert.Equal(t, 0, cmd.ProcessState.ExitCode())
}

func fifo(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "fifo")
	require.NoError(t, unix.Mkfifo(path, 0o600))
	return path
}

// parentOf reads the fourth field of stat, which comes behind a name in parentheses.
func parentOf(pid string) int {
	stat, err := os.ReadFile("/proc/" + pid + "/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	fields := strings.Fields(rest)
	parent, _ := strconv.Atoi(fields[1])
	return parent
}
