package accesslog

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/retry"
	"go.uber.org/zap"
	"k8s.io/utils/clock"
)

// Options of an access log.
type Options struct {
	// Program is varnishncsa.
	Program string
	// Dir is varnishd's working directory, as its -n takes it.
	Dir string
	// Format of the lines; Off makes Run return at once.
	Format Format
	// Out takes the lines, several in a write; it is never written to concurrently.
	Out io.Writer
	// Backoff between two runs of varnishncsa.
	Backoff retry.Backoff
	// Log tells of varnishncsa's ends.
	Log *zap.Logger
}

// Run writes the access log until ctx ends. varnishncsa waits for a varnishd that is not there, and finds
// a new one by itself; where it ends nevertheless, or lines cannot be written, it is started again after a pause.
func Run(ctx context.Context, options Options) {
	if options.Format == Off {
		return
	}
	for {
		started := time.Now()
		err := runOnce(ctx, options)
		if ctx.Err() != nil {
			return
		}
		pause := options.Backoff.After(time.Since(started))
		options.Log.Warn("the access log ended and will be started again", zap.Duration("pause", pause), zap.Error(err))
		if !retry.Sleep(ctx, clock.RealClock{}, pause) {
			return
		}
	}
}

// clientsOnly leaves out what chaperone itself asks of ghost (vsl-query(7)).
const clientsOnly = `ReqStart[3] ne "ghost-reload"`

// killDelay is how long varnishncsa may take to end once it was told to.
const killDelay = 2 * time.Second

// runOnce runs varnishncsa once. The goroutine keeps its thread, for the kernel sends the parent death
// signal when that thread ends (prctl(2)).
func runOnce(ctx context.Context, options Options) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var complaint complaint
	command := exec.CommandContext(ctx, options.Program,
		"-n", options.Dir, "-t", "off", "-q", clientsOnly, "-F", options.Format.ncsaFormat())
	command.Env = append(os.Environ(), "TZ=UTC")
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	command.Cancel = func() error { return command.Process.Signal(syscall.SIGTERM) }
	command.WaitDelay = killDelay
	command.Stderr = &complaint
	lines, writer, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe for varnishncsa: %w", err)
	}
	defer func() { _ = lines.Close() }()
	command.Stdout = writer
	err = command.Start()
	_ = writer.Close()
	if err != nil {
		return fmt.Errorf("start varnishncsa: %w", err)
	}
	copyErr := options.copyLines(lines)
	if copyErr != nil {
		_ = command.Cancel()
	}
	if err := command.Wait(); copyErr == nil {
		return fmt.Errorf("varnishncsa: %w: %s", orEnded(err), complaint.String())
	}
	return copyErr
}

func orEnded(err error) error {
	if err == nil {
		return errors.New("exit status 0")
	}
	return err
}

// maxLine is the longest line, in bytes, that is taken from varnishncsa: each value is at most one log
// record, which varnishd's parameter vsl_reclen limits to 4 kB, and may be four times as long when escaped.
const maxLine = 256 << 10

// copyLines copies until varnishncsa ends. Lines are written as soon as no further one is waiting.
func (o Options) copyLines(lines io.Reader) error {
	reader := bufio.NewReaderSize(lines, maxLine)
	out := bufio.NewWriter(o.Out)
	var object []byte
	for {
		line, err := readLine(reader)
		if err != nil {
			return writing(out.Flush())
		}
		if o.Format == JSON {
			object = append(appendObject(object[:0], line[:len(line)-1]), '\n')
			line = object
		}
		_, _ = out.Write(line) // Flush repeats the error.
		if reader.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return writing(err)
			}
		}
	}
}

// readLine gives the next line with its end. It leaves out what is too long, and a last line that was cut
// off.
func readLine(reader *bufio.Reader) ([]byte, error) {
	for {
		line, err := reader.ReadSlice('\n')
		if err == nil {
			return line, nil
		}
		for errors.Is(err, bufio.ErrBufferFull) {
			_, err = reader.ReadSlice('\n')
		}
		if err != nil {
			return nil, err
		}
	}
}

// writing says that an error is that of writing lines.
func writing(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("write the access log: %w", err)
}

// complaint keeps the end of what varnishncsa says on its standard error.
type complaint struct{ tail []byte }

const maxComplaint = 1 << 10

func (c *complaint) Write(b []byte) (int, error) {
	c.tail = append(c.tail, b...)
	if extra := len(c.tail) - maxComplaint; extra > 0 {
		c.tail = append(c.tail[:0], c.tail[extra:]...)
	}
	return len(b), nil
}

func (c *complaint) String() string {
	return strings.TrimSpace(string(c.tail))
}
