// Package pod wires the parts of chaperone into one running gateway pod.
package pod

import (
	"errors"

	"github.com/varnish-gateway/gateway/chaperone/internal/supervise"
)

// ExitCode is what chaperone's process ends with; docs/reference/chaperone.md lists them.
type ExitCode int

// Exit codes.
const (
	// ExitStopped: a signal asked for the end, and varnishd was stopped.
	ExitStopped ExitCode = 0
	// ExitFailed: something that chaperone cannot do without has failed.
	ExitFailed ExitCode = 1
	// ExitUsage: the flags are wrong.
	ExitUsage ExitCode = 2
	// ExitNoVarnishd: varnishd cannot be started at all.
	ExitNoVarnishd ExitCode = 3
)

// ExitCodeOf is the exit code for the error with which Run ended.
func ExitCodeOf(err error) ExitCode {
	var start *supervise.StartError
	switch {
	case err == nil:
		return ExitStopped
	case errors.As(err, &start):
		return ExitNoVarnishd
	default:
		return ExitFailed
	}
}
