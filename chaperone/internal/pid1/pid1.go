// Package pid1 does what the first process of a container must do besides its own work: it reaps processes
// that lost their parent. A process that also waits for children of its own cannot do that without taking
// their exit status from whoever waits for it; so chaperone, as process 1, starts itself once more, forwards
// signals to that one, and reaps everything else.
package pid1

import (
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"
)

// Needed says whether this process is the first of its container.
func Needed() bool { return os.Getpid() == 1 }

// signalBase is what a shell adds to a signal's number to make an exit code of it.
const signalBase = 128

// Run runs a program with the same standard files and environment until it ends, and gives its exit code. Signals
// are forwarded to it. Every child that ends is reaped.
func Run(program string, args []string) (code int, err error) {
	// The kernel sends the parent death signal when the thread that forked ends.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	signals := make(chan os.Signal, 16)
	signal.Notify(signals)
	defer signal.Stop(signals)
	pid, err := syscall.ForkExec(program, append([]string{program}, args...), &syscall.ProcAttr{
		Env: os.Environ(), Files: []uintptr{0, 1, 2}, Sys: &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM},
	})
	if err != nil {
		return 0, fmt.Errorf("starting %s: %w", program, err)
	}
	for {
		// SIGCHLD may have come before it was asked for, so there is a look before each wait.
		if code, ended := reap(pid); ended {
			return code, nil
		}
		received := <-signals
		if number, ok := received.(syscall.Signal); ok && !ownSignal(number) {
			// A program that has just ended is found by the next look.
			_ = syscall.Kill(pid, number)
		}
	}
}

// ownSignal says whether a signal is meant for this process: about its children, or from Go's own scheduler.
func ownSignal(number syscall.Signal) bool {
	return number == syscall.SIGCHLD || number == syscall.SIGURG
}

// reap takes every child that has ended, and says how the program ended if it was among them.
func reap(program int) (code int, ended bool) {
	for {
		var status unix.WaitStatus
		pid, err := unix.Wait4(-1, &status, unix.WNOHANG, nil)
		if errors.Is(err, unix.EINTR) {
			continue
		}
		if err != nil || pid <= 0 {
			return code, ended
		}
		if pid == program {
			code, ended = exitCode(status), true
		}
	}
}

func exitCode(status unix.WaitStatus) int {
	if status.Signaled() {
		return signalBase + int(status.Signal())
	}
	return status.ExitStatus()
}
