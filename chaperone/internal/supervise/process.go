package supervise

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// Process is one run of a program.
type Process interface {
	Pid() int
	// Signal sends a signal; a process that has ended is no error.
	Signal(signal syscall.Signal) error
	// Done is closed when the process has ended and was reaped; Outcome then says how it ended.
	Done() <-chan struct{}
	Outcome() string
}

// Start starts a program and is what a Supervisor takes as its way to do so. Each line of both
// outputs is told. The program is told to end (SIGTERM) when chaperone dies, and is in a process group of its own so that
// a terminal's signals reach chaperone alone. Its environment is
// chaperone's own, and what is given here as "NAME=value".
func Start(program string, args, environment []string, output func(line string)) (Process, error) {
	// A pipe of our own: with exec's, Wait would also wait for descendants that still hold it.
	reader, writer, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("making a pipe for the output of %s: %w", program, err)
	}
	defer writer.Close()
	cmd := exec.Command(program, args...)
	cmd.Stdout, cmd.Stderr = writer, writer
	cmd.Env = append(cmd.Environ(), environment...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true}
	p := &process{cmd: cmd, done: make(chan struct{})}
	started := make(chan error, 1)
	go p.run(started)
	if err := <-started; err != nil {
		reader.Close()
		return nil, fmt.Errorf("starting %s: %w", program, err)
	}
	go eachLine(reader, output)
	return p, nil
}

// maxLine bounds what is kept of one line of output; the rest comes as further lines.
const maxLine = 64 << 10

// eachLine tells of each line until every writer has gone.
func eachLine(r io.ReadCloser, tell func(string)) {
	defer r.Close()
	reader := bufio.NewReaderSize(r, maxLine)
	for {
		line, _, err := reader.ReadLine()
		if err != nil {
			return
		}
		tell(string(line))
	}
}

type process struct {
	cmd  *exec.Cmd
	done chan struct{}
	err  error
}

// run keeps the thread that forked until the program has ended: the kernel sends the parent death
// signal when that thread ends, not when the whole process does (prctl(2)).
func (p *process) run(started chan<- error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	err := p.cmd.Start()
	started <- err
	if err != nil {
		return
	}
	p.err = p.cmd.Wait()
	close(p.done)
}

func (p *process) Pid() int { return p.cmd.Process.Pid }

func (p *process) Signal(signal syscall.Signal) error {
	err := p.cmd.Process.Signal(signal)
	if err == os.ErrProcessDone {
		return nil
	}
	return err
}

func (p *process) Done() <-chan struct{} { return p.done }

func (p *process) Outcome() string {
	if p.cmd.ProcessState != nil {
		return p.cmd.ProcessState.String()
	}
	return fmt.Sprint(p.err)
}
