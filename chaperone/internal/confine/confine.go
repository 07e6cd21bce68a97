package confine

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"

	"github.com/landlock-lsm/go-landlock/landlock"
	llsyscall "github.com/landlock-lsm/go-landlock/landlock/syscall"
)

// Command is the first argument by which chaperone becomes a program that is confined.
const Command = "confined"

// end separates what is hidden from the program.
const end = "--"

// rights are those that are restricted: to read files and directories, and to move files between directories, by which those rights
// could be gained.
const rights = landlock.AccessFSSet(llsyscall.AccessFSReadFile | llsyscall.AccessFSReadDir | llsyscall.AccessFSRefer)

// leastABI is the first version of Landlock that lets files be moved between directories (Linux 5.19). Under the first one
// nothing could be, and the C compiler of varnishd moves files.
const leastABI = 2

// Available says why the kernel cannot confine; nil where it can.
func Available() error {
	version, err := llsyscall.LandlockGetABIVersion()
	if err != nil {
		return fmt.Errorf("the kernel has no Landlock: %w", err)
	}
	if version < leastABI {
		return fmt.Errorf("the kernel's Landlock has ABI version %d, and %d is needed (Linux 5.19)", version, leastABI)
	}
	return nil
}

// Confinement is how programs are started that are not to read some files.
type Confinement struct {
	// Self is chaperone's own program; where it is empty, nothing is confined.
	Self string
	// Hidden are files and directories.
	Hidden []string
}

// Wrap gives the program and arguments to start in the place of others.
func (c Confinement) Wrap(program string, args []string) (string, []string) {
	if c.Self == "" {
		return program, args
	}
	wrapped := append([]string{Command}, c.Hidden...)
	return c.Self, append(append(wrapped, end, program), args...)
}

// Try starts a program that ends by itself, confined. An error says why no program can be started so.
func (c Confinement) Try(program string, args ...string) error {
	program, args = c.Wrap(program, args)
	output, err := exec.Command(program, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, bytes.TrimSpace(output))
	}
	return nil
}

// init keeps a process that becomes another program on the thread that it began with. The parent death
// signal belongs to a thread, and is that one's: with an exec in another one, what is started would
// outlive whoever started it (prctl(2), PR_SET_PDEATHSIG).
func init() {
	if len(os.Args) > 1 && os.Args[1] == Command {
		runtime.LockOSThread()
	}
}

// Become makes this process the program that the arguments of Wrap name, behind Command. It returns only where that fails.
func Become(args []string) error {
	for i, arg := range args {
		if arg == end && i+1 < len(args) {
			return become(args[:i], args[i+1:])
		}
	}
	return errors.New("no program to confine")
}

func become(hidden, command []string) error {
	path, err := exec.LookPath(command[0])
	if err != nil {
		return fmt.Errorf("finding %s: %w", command[0], err)
	}
	if hidden, err = resolve(hidden); err != nil {
		return fmt.Errorf("confining %s: %w", command[0], err)
	}
	paths, err := visible("/", hidden)
	if err != nil {
		return fmt.Errorf("confining %s: %w", command[0], err)
	}
	var rules []landlock.Rule
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			// It has gone, or cannot be looked at: it is not made readable.
		case info.IsDir():
			rules = append(rules, landlock.PathAccess(rights, path).IgnoreIfMissing())
		default:
			rules = append(rules, landlock.PathAccess(llsyscall.AccessFSReadFile, path).IgnoreIfMissing())
		}
	}
	// Not by best effort, which may be none.
	config := landlock.Config{HandledAccessFS: rights}
	if err := config.RestrictPaths(rules...); err != nil {
		return fmt.Errorf("confining %s: %w", command[0], err)
	}
	if err := syscall.Exec(path, command, os.Environ()); err != nil {
		return fmt.Errorf("starting %s: %w", command[0], err)
	}
	return nil
}
