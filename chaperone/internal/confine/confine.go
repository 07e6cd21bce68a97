package confine

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
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

// Available says whether the kernel can confine.
func Available() bool {
	version, err := llsyscall.LandlockGetABIVersion()
	return err == nil && version > 0
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
	config := landlock.Config{HandledAccessFS: rights}
	if err := config.BestEffort().RestrictPaths(rules...); err != nil {
		return fmt.Errorf("confining %s: %w", command[0], err)
	}
	if err := syscall.Exec(path, command, os.Environ()); err != nil {
		return fmt.Errorf("starting %s: %w", command[0], err)
	}
	return nil
}
