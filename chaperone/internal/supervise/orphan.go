package supervise

import (
	"errors"
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Orphan is a process that is not our child, held so that its number cannot come to mean another one.
type Orphan interface {
	// End waits for the process to end by itself, kills it when the patience is over, and lets go of
	// it. It says whether it had to be killed.
	End(patience time.Duration) (killed bool)
	// Release lets go of the process.
	Release()
}

// HoldOrphan takes hold of a running process.
func HoldOrphan(pid int) (Orphan, error) {
	fd, err := unix.PidfdOpen(pid, 0)
	if err != nil {
		return nil, fmt.Errorf("taking hold of process %d: %w", pid, err)
	}
	return &orphan{fd: fd}, nil
}

type orphan struct{ fd int }

func (o *orphan) End(patience time.Duration) (killed bool) {
	defer unix.Close(o.fd)
	if o.wait(patience) {
		return false
	}
	unix.PidfdSendSignal(o.fd, unix.SIGKILL, nil, 0)
	o.wait(patience)
	return true
}

func (o *orphan) Release() { unix.Close(o.fd) }

// wait says whether the process has ended within the time. A zombie counts as ended.
func (o *orphan) wait(patience time.Duration) bool {
	deadline := time.Now().Add(patience)
	for {
		left := time.Until(deadline)
		if left < 0 {
			left = 0
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(o.fd), Events: unix.POLLIN}}, int(left.Milliseconds()))
		if errors.Is(err, unix.EINTR) {
			continue
		}
		return n > 0
	}
}
