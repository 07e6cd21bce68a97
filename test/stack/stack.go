package stack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
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
	*process.Child
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
	cmd := exec.Command(b.Gatewayctl, append(args, options.Arguments...)...)
	cmd.Stdout, cmd.Stderr = options.Stdout, options.Stderr
	child, err := process.StartChild(cmd)
	if err != nil {
		return nil, err
	}
	return &Stack{Child: child}, nil
}

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
	if err := s.Signal(syscall.SIGQUIT); err != nil {
		return err
	}
	<-s.Done() // at the latest when the pipes are given up
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
	err = s.End(os.Interrupt, stopTimeout)
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(err, s.Err(), await.Success(ctx, "all processes to end", func() error { return anyAlive(below) }))
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
