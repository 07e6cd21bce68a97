package confine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// TestMain lets this test's binary be what chaperone's is.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Command {
		fmt.Fprintln(os.Stderr, Become(os.Args[2:]))
		os.Exit(1)
	}
	if len(os.Args) > 1 && os.Args[1] == tellSignal {
		tellParentDeathSignal()
	}
	os.Exit(m.Run())
}

// tellSignal is the argument by which this binary prints the parent death signal of its first thread.
const tellSignal = "parent-death-signal"

func init() {
	if len(os.Args) > 1 && os.Args[1] == tellSignal {
		runtime.LockOSThread()
	}
}

func tellParentDeathSignal() {
	var number int32
	err := unix.Prctl(unix.PR_GET_PDEATHSIG, uintptr(unsafe.Pointer(&number)), 0, 0, 0)
	fmt.Println(number, err)
	os.Exit(0)
}

// TestAConfinedProgramEndsWithItsParent wherever Go runs the exec.
func TestAConfinedProgramEndsWithItsParent(t *testing.T) {
	require.NoError(t, Available())
	c := Confinement{Self: os.Args[0], Hidden: []string{t.TempDir()}}
	program, args := c.Wrap(os.Args[0], []string{tellSignal})
	for range 8 {
		cmd := exec.Command(program, args...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
		output, err := cmd.CombinedOutput()
		require.NoError(t, err, string(output))
		require.Equal(t, fmt.Sprintf("%d <nil>\n", syscall.SIGTERM), string(output))
	}
}

// mountedSecret makes a directory with a mounted Secret, as the kubelet does, and what lies beside it.
func mountedSecret(t *testing.T) string {
	t.Helper()
	root, err := filepath.EvalSymlinks(t.TempDir())
	require.NoError(t, err)
	for _, dir := range []string{"etc/tls/..1", "etc/config", "run"} {
		require.NoError(t, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	for file, content := range map[string]string{"etc/tls/..1/web.key": "secret", "etc/config/main.vcl": "vcl", "etc/token": "token", "etc/file": "plain"} {
		require.NoError(t, os.WriteFile(filepath.Join(root, file), []byte(content), 0o644))
	}
	require.NoError(t, os.Symlink("..1", filepath.Join(root, "etc/tls/..data")))
	require.NoError(t, os.Symlink("..data/web.key", filepath.Join(root, "etc/tls/web.key")))
	require.NoError(t, os.Symlink("etc", filepath.Join(root, "link")))
	return root
}

func TestVisibleIsEverythingElse(t *testing.T) {
	root := mountedSecret(t)
	tests := map[string]struct{ hidden, visible []string }{
		"nothing is hidden":              {nil, []string{""}},
		"a directory":                    {[]string{"/etc/tls"}, []string{"/etc/config", "/etc/file", "/etc/token", "/run"}},
		"a file and a directory":         {[]string{"/etc/tls", "/etc/token"}, []string{"/etc/config", "/etc/file", "/run"}},
		"what is reached through a link": {[]string{"/link/tls"}, []string{"/etc/config", "/etc/file", "/etc/token", "/run"}},
		"what is not there yet":          {[]string{"/run/later"}, []string{"/etc"}},
		"a name that only begins alike":  {[]string{"/etc/tl"}, []string{"/etc/config", "/etc/file", "/etc/tls", "/etc/token", "/run"}},
		"everything":                     {[]string{""}, nil},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			var hidden []string
			for _, path := range test.hidden {
				hidden = append(hidden, root+path)
			}
			hidden, err := resolve(hidden)
			require.NoError(t, err)
			found, err := visible(root, hidden)
			require.NoError(t, err)
			var want []string
			for _, path := range test.visible {
				want = append(want, root+path)
			}
			assert.Equal(t, want, found)
		})
	}
}

func TestAConfinedProgramCannotReadWhatIsHidden(t *testing.T) {
	require.NoError(t, Available())
	root := mountedSecret(t)
	c := Confinement{Self: os.Args[0], Hidden: []string{root + "/etc/tls", root + "/etc/token"}}
	read := func(path string) (string, error) {
		program, args := c.Wrap("cat", []string{path})
		output, err := exec.Command(program, args...).CombinedOutput()
		return strings.TrimSpace(string(output)), err
	}
	for path, want := range map[string]string{"/etc/config/main.vcl": "vcl", "/etc/file": "plain"} {
		output, err := read(root + path)
		require.NoError(t, err, output)
		assert.Equal(t, want, output)
	}
	other := fmt.Sprintf("/proc/%d", os.Getpid())
	for _, path := range []string{
		root + "/etc/tls/web.key", root + "/etc/tls/..1/web.key", root + "/link/tls/web.key", root + "/etc/token",
		// What another process of this user sees.
		other + "/root" + root + "/etc/token", other + "/fd/0",
	} {
		output, err := read(path)
		require.Error(t, err, path)
		assert.Contains(t, output, "Permission denied")
	}
}

func TestTrying(t *testing.T) {
	root := mountedSecret(t)
	require.NoError(t, Confinement{Self: os.Args[0], Hidden: []string{root + "/etc/tls"}}.Try("true"))
	err := Confinement{Self: os.Args[0], Hidden: []string{root + "/etc/file/beneath"}}.Try("true")
	require.ErrorContains(t, err, "not a directory", "what lies beside what is hidden cannot be listed")
}

func TestAProgramThatIsNotThereIsNamed(t *testing.T) {
	require.ErrorContains(t, Become([]string{"/x", end, "no-such-program"}), "no-such-program")
	require.Error(t, Become([]string{"/x"}))
}

func TestWithoutAProgramOfItsOwnNothingIsConfined(t *testing.T) {
	program, args := Confinement{Hidden: []string{"/x"}}.Wrap("varnishd", []string{"-F"})
	assert.Equal(t, "varnishd", program)
	assert.Equal(t, []string{"-F"}, args)
}
