// Package openfiles raises the limit of open files (RLIMIT_NOFILE, getrlimit(2)) of this process and of those that it starts.
package openfiles

import (
	"fmt"
	"syscall"
)

// Raise sets the soft limit to the hard one, and gives it. Processes that are started from then on inherit it.
//
// The Go runtime raises its own soft limit when it starts, but gives children the one that it found; a call of
// syscall.Setrlimit ends that.
func Raise() (limit uint64, err error) {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("reading the limit of open files: %w", err)
	}
	l.Cur = l.Max
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return 0, fmt.Errorf("raising the limit of open files: %w", err)
	}
	return l.Cur, nil
}

// What chaperone needs of open files.
const (
	// perConnection: a TLS connection is one to the client, and one to varnishd.
	perConnection = 2
	// reserved are for everything else: probes, watches, files.
	reserved = 256
)

// Need is how many files a number of TLS connections takes.
func Need(connections int) uint64 { return uint64(connections)*perConnection + reserved }

// Connections is how many TLS connections a limit allows; at least one.
func Connections(limit uint64) int {
	return int(max(1, (max(limit, reserved)-reserved)/perConnection))
}
