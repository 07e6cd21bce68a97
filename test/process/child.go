package process

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"
)

// Child is a program that ends at the latest when this one does.
type Child struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// StartChild starts a command in a process group of its own. It is sent SIGTERM if this program
// ends first.
func StartChild(cmd *exec.Cmd) (*Child, error) {
	c := &Child{cmd: cmd, done: make(chan struct{})}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	// Killed processes must not keep the pipes open for ever.
	cmd.WaitDelay = 10 * time.Second
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread ends that started the process, so it must live
		// as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			c.err = cmd.Wait()
			close(c.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting %s: %w", cmd.Path, err)
	}
	return c, nil
}

// Pid of the program.
func (c *Child) Pid() int { return c.cmd.Process.Pid }

// Done is closed when it has ended.
func (c *Child) Done() <-chan struct{} { return c.done }

// Err is how it ended; only for when Done is closed.
func (c *Child) Err() error { return c.err }

// Signal sends a signal to the program alone. That it has ended already is no error.
func (c *Child) Signal(signal os.Signal) error {
	if err := c.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// End sends a signal and waits for the end, but not longer than patience: then it kills the
// program, which is an error.
func (c *Child) End(signal os.Signal, patience time.Duration) error {
	if err := c.Signal(signal); err != nil {
		return err
	}
	select {
	case <-c.done:
		return nil
	case <-time.After(patience):
	}
	err := fmt.Errorf("%s did not stop within %s", c.cmd.Path, patience)
	err = errors.Join(err, c.Signal(os.Kill))
	<-c.done
	return err
}
