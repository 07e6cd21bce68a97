package vcl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/supervise"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// Checker compiles VCL without loading it: varnishd -C in a process and a directory of its own, so that
// nothing of the running varnishd is touched.
type Checker struct {
	// Varnishd is the program, VMODPath where VMODs are looked for; empty for varnishd's own.
	Varnishd string
	VMODPath string
	// Dir is a writable directory in which compiled VCL can be run from.
	Dir string
	// Within is how long one compilation may take.
	Within time.Duration
	// Wrap gives the program and arguments to run in the place of varnishd; nil for varnishd itself.
	Wrap func(program string, args []string) (string, []string)

	// turn keeps checks from running side by side: a compiler takes a processor and tens of megabytes.
	turn chan struct{}
}

// NewChecker makes a Checker; see its fields.
func NewChecker(varnishd, vmodPath, dir string, within time.Duration) *Checker {
	return &Checker{Varnishd: varnishd, VMODPath: vmodPath, Dir: dir, Within: within, turn: make(chan struct{}, 1)}
}

// waitWithin is how long a check waits for its turn.
const waitWithin = 20 * time.Second

// ErrTooLong says that compiling takes longer than a check may.
var ErrTooLong = errors.New("the VCL takes too long to compile")

// Check compiles main.vcl. An empty message means that it compiles; an error means that it could not be
// checked, ErrTooLong that the compiler
// was not done in time. VCL without a header is checked too; what has one is refused where it would not be loaded.
func (c *Checker) Check(ctx context.Context, source []byte) (message string, err error) {
	var major *contract.MajorError
	program, err := Parse(source)
	if errors.As(err, &major) {
		return err.Error(), nil
	}
	if err := c.wait(ctx); err != nil {
		return "", err
	}
	defer func() { <-c.turn }()
	ctx, cancel := context.WithTimeoutCause(ctx, c.Within, fmt.Errorf("%w: it had %s", ErrTooLong, c.Within))
	defer cancel()
	dir, err := os.MkdirTemp(c.Dir, "check")
	if err != nil {
		return "", fmt.Errorf("making a directory to check VCL in: %w", err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "main.vcl")
	if err := os.WriteFile(file, source, 0o644); err != nil {
		return "", fmt.Errorf("writing VCL to check: %w", err)
	}
	args := []string{"-C", "-p", supervise.CompilerFeatures, "-f", file}
	if c.VMODPath != "" {
		args = append(args, "-p", "vmod_path="+c.VMODPath)
	}
	output, err := c.run(ctx, dir, args)
	if ctx.Err() != nil {
		return "", fmt.Errorf("checking VCL: %w", context.Cause(ctx))
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() {
		message := strings.TrimSpace(strings.ReplaceAll(output, file, mainvcl.File))
		return mainvcl.Locate(message, program.Parts), nil
	}
	if err != nil {
		return "", fmt.Errorf("checking VCL: %w", err)
	}
	return "", nil
}

// wait waits until no other check runs.
func (c *Checker) wait(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, waitWithin)
	defer cancel()
	select {
	case c.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("waiting to check VCL: %w", ctx.Err())
	}
}

// run runs varnishd, and gives what it writes to standard error: the compiler's words and, behind them, the C code.
// The C compiler is varnishd's child, so all of its group ends with it. The goroutine keeps its thread, for the
// kernel sends the parent death signal when that thread ends (prctl(2)).
func (c *Checker) run(ctx context.Context, dir string, args []string) (output string, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var buffer bytes.Buffer
	program := c.Varnishd
	if c.Wrap != nil {
		program, args = c.Wrap(program, args)
	}
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), "TMPDIR="+dir)
	cmd.Stderr = &buffer
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	return buffer.String(), err
}
