package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/varnish-gateway/gateway/test/await"
	"github.com/varnish-gateway/gateway/test/process"
)

// Options of a Stack.
type Options struct {
	Binaries Binaries
	// Manifests are the directories to serve.
	Manifests []string
	// StateDir to use; a temporary one where it is empty.
	StateDir string
	// Arguments are further ones for gatewayctl run.
	Arguments []string
	// Stdout takes statuses and access logs, Stderr logs and problems.
	Stdout, Stderr io.Writer
}

// Stack is a running gatewayctl.
type Stack struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
	// quit tells that it has been ended by Quit.
	quit bool
}

// Start runs gatewayctl. It does not wait for a gateway to serve.
func Start(options Options) (*Stack, error) {
	b := options.Binaries
	args := []string{"run", "--chaperone", b.Chaperone, "--varnishd", b.Varnishd, "--vmod-path", b.VMODs}
	for _, dir := range options.Manifests {
		args = append(args, "-f", dir)
	}
	if options.StateDir != "" {
		args = append(args, "--state-dir", options.StateDir)
	}
	s := &Stack{cmd: exec.Command(b.Gatewayctl, append(args, options.Arguments...)...), done: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = options.Stdout, options.Stderr
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGTERM}
	// Killed processes must not keep the pipes open for ever.
	s.cmd.WaitDelay = 10 * time.Second
	started := make(chan error)
	go func() {
		// The kernel sends Pdeathsig when the thread ends that started the process, so it must live as long.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := s.cmd.Start()
		started <- err
		if err == nil {
			s.err = s.cmd.Wait()
			close(s.done)
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("starting gatewayctl: %w", err)
	}
	return s, nil
}

// Pid of gatewayctl.
func (s *Stack) Pid() int { return s.cmd.Process.Pid }

// Done is closed when gatewayctl has ended.
func (s *Stack) Done() <-chan struct{} { return s.done }

// stopTimeout is how long everything may take to stop.
const stopTimeout = 40 * time.Second

// Quit lets gatewayctl write down all of its goroutines to Stderr and end at once, and ends what it leaves behind. There is
// nothing to Stop then.
func (s *Stack) Quit() error {
	below, err := process.Descendants(s.Pid())
	if err != nil {
		return err
	}
	s.quit = true
	if err := s.cmd.Process.Signal(syscall.SIGQUIT); err != nil {
		return err
	}
	<-s.done // at the latest when the pipes are given up
	for _, pid := range below {
		if process.Alive(pid) {
			err = errors.Join(err, syscall.Kill(pid, syscall.SIGKILL))
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return errors.Join(err, await.Success(ctx, "all processes to end", func() error { return anyAlive(below) }))
}

// Stop asks gatewayctl to stop. It fails where gatewayctl does, or where any process outlives it.
func (s *Stack) Stop() error {
	if s.quit {
		return nil
	}
	below, err := process.Descendants(s.Pid())
	if err != nil {
		return err
	}
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.done:
	case <-time.After(stopTimeout):
		err = errors.Join(fmt.Errorf("gatewayctl did not stop within %s", stopTimeout), s.cmd.Process.Kill())
		<-s.done
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, s.err, await.Success(ctx, "all processes to end", func() error { return anyAlive(below) }))
}

func anyAlive(pids []int) error {
	for _, pid := range pids {
		if process.Alive(pid) {
			return fmt.Errorf("process %d (%s) is still there", pid, process.Name(pid))
		}
	}
	return nil
}

// Parts are the processes of one gateway.
type Parts struct {
	Gatewayctl, Chaperone int
	// Varnishd is the manager, Child its worker, which serves.
	Varnishd, Child int
}

// Parts finds the processes of the only gateway; it fails while they are not all there.
func (s *Stack) Parts() (Parts, error) {
	p := Parts{Gatewayctl: s.Pid()}
	for _, step := range []struct {
		name   string
		parent *int
		to     *int
	}{{"chaperone", &p.Gatewayctl, &p.Chaperone}, {"varnishd", &p.Chaperone, &p.Varnishd}, {"varnishd's child", &p.Varnishd, &p.Child}} {
		children, err := process.Children(*step.parent)
		if err != nil {
			return p, err
		}
		*step.to = 0
		for _, child := range children {
			if isPart(step.name, child) {
				*step.to = child
			}
		}
		if *step.to == 0 {
			return p, fmt.Errorf("there is no %s", step.name)
		}
	}
	return p, nil
}

// isPart tells varnishd from the log reader that runs beside it, and from a compiler.
func isPart(name string, pid int) bool {
	comm := process.Name(pid)
	switch name {
	case "chaperone":
		return comm == "chaperone"
	case "varnishd":
		for _, arg := range process.Arguments(pid) {
			if arg == "-F" {
				return true
			}
		}
		return false
	}
	return comm == "cache-main"
}
