package supervise

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"syscall"
	"time"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/retry"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// CLI is what a Supervisor asks of a connection to varnishd.
type CLI interface {
	Pids(ctx context.Context) (varnishcli.Pids, error)
	Panic(ctx context.Context) (string, error)
	ClearPanic(ctx context.Context) error
	Close() error
}

// Handler is told of varnishd's life. Its methods must not block.
type Handler[C CLI] interface {
	// Up: varnishd listens to its CLI. ctx ends with the connection, after which Up may come again.
	Up(ctx context.Context, cli C)
	// ChildStarted: varnishd has a child that was not there before.
	ChildStarted()
	// ChildMissing: varnishd's child is gone, and varnishd does not start another.
	ChildMissing()
	// Down: varnishd has ended.
	Down()
}

// Config is what a Supervisor needs of the world.
type Config[C CLI] struct {
	// Start starts varnishd and tells each line that it writes.
	Start func(output func(line string)) (Process, error)
	// Accept waits for the varnishd of that process number to connect its CLI.
	Accept func(ctx context.Context, pid int) (C, error)
	// Hold takes hold of varnishd's child; HoldOrphan where it is nil.
	Hold    func(pid int) (Orphan, error)
	Handler Handler[C]
	Board   *status.Board
	Clock   clock.Clock
	Log     *zap.Logger
	Backoff retry.Backoff
	// PollEvery is how often the child is looked at; a line about it makes for a look at once.
	PollEvery time.Duration
	// ConnectWithin is how long varnishd may take to connect, and AnswerWithin to answer.
	ConnectWithin, AnswerWithin time.Duration
	// StopWithin is how long varnishd may take to end after SIGTERM.
	StopWithin time.Duration
}

// DefaultBackoff starts varnishd again soon enough that clients who wait for a connection hardly
// notice, and keeps a varnishd that cannot start from using up the processor.
func DefaultBackoff() retry.Backoff {
	return retry.Backoff{First: 50 * time.Millisecond, Longest: 10 * time.Second, Steady: 20 * time.Second}
}

// Supervisor keeps varnishd running until it is told to stop.
type Supervisor[C CLI] struct {
	config Config[C]

	mu       sync.Mutex
	lastBeat time.Time
}

// New fills in what Config leaves open.
func New[C CLI](config Config[C]) *Supervisor[C] {
	setDefault(&config.PollEvery, time.Second)
	setDefault(&config.ConnectWithin, 30*time.Second)
	setDefault(&config.AnswerWithin, 60*time.Second)
	setDefault(&config.StopWithin, 10*time.Second)
	if config.Hold == nil {
		config.Hold = HoldOrphan
	}
	if config.Backoff == (retry.Backoff{}) {
		config.Backoff = DefaultBackoff()
	}
	return &Supervisor[C]{config: config, lastBeat: config.Clock.Now()}
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// Run starts varnishd, again and again, until ctx ends; then it stops varnishd. It returns an error
// only where varnishd cannot be started at all the first time, as with a wrong path.
func (s *Supervisor[C]) Run(ctx context.Context) error {
	for run := 0; ctx.Err() == nil; run++ {
		s.beat()
		began := s.config.Clock.Now()
		s.setState(adminapi.VarnishdStarting)
		last := &lastWords{}
		err := s.live(ctx, last)
		if ctx.Err() != nil {
			break
		}
		if run == 0 && errors.As(err, new(*StartError)) {
			return err
		}
		wait := s.config.Backoff.After(s.config.Clock.Since(began))
		s.config.Log.Error("varnishd ended, starting it again", zap.Error(err), zap.Duration("after", wait))
		s.config.Board.Update(func(st *adminapi.Status) {
			st.Varnishd.State = adminapi.VarnishdBackoff
			st.Varnishd.Restarts++
			st.Varnishd.LastEnd = last.after(err)
		})
		retry.Sleep(ctx, s.config.Clock, wait)
		// What it wrote last may have been read after it had ended.
		s.config.Board.Update(func(st *adminapi.Status) { st.Varnishd.LastEnd = last.after(err) })
	}
	s.setState(adminapi.VarnishdStopped)
	return nil
}

// StartError says that the program could not be started.
type StartError struct{ Err error }

func (e *StartError) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *StartError) Unwrap() error { return e.Err }

// live is one life of varnishd. It returns why it ended.
func (s *Supervisor[C]) live(ctx context.Context, last *lastWords) error {
	hints := make(chan struct{}, 1)
	process, err := s.config.Start(func(line string) {
		logLine(s.config.Log, line)
		last.note(line)
		if isAboutChild(line) {
			select {
			case hints <- struct{}{}:
			default:
			}
		}
	})
	if err != nil {
		return &StartError{err}
	}
	children := &children{
		board: s.config.Board, log: s.config.Log, holdOn: s.config.Hold,
		started: s.config.Handler.ChildStarted, missing: s.config.Handler.ChildMissing,
	}
	lifeCtx, cancel := context.WithCancel(ctx)
	connections := make(chan struct{})
	go func() {
		defer close(connections)
		s.connect(lifeCtx, process, hints, children)
	}()
	select {
	case <-process.Done():
	case <-ctx.Done():
		s.stop(process)
	}
	cancel()
	<-connections
	s.config.Handler.Down()
	if children.end(s.config.StopWithin) {
		s.config.Log.Warn("varnishd's child outlived it and was killed")
	}
	return fmt.Errorf("varnishd: %s", process.Outcome())
}

// connect keeps a CLI connection while varnishd lives: varnishd connects anew when one breaks.
func (s *Supervisor[C]) connect(ctx context.Context, process Process, hints <-chan struct{}, children *children) {
	for ctx.Err() == nil {
		within, cancel := context.WithTimeout(ctx, s.config.ConnectWithin)
		cli, err := s.config.Accept(within, process.Pid())
		cancel()
		if err != nil {
			if ctx.Err() == nil {
				s.config.Log.Error("varnishd does not connect its CLI, ending it", zap.Error(err))
				s.stop(process)
			}
			return
		}
		connected, disconnect := context.WithCancel(ctx)
		s.config.Handler.Up(connected, cli)
		err = s.watch(connected, cli, hints, children)
		disconnect()
		cli.Close()
		if ctx.Err() == nil {
			s.config.Log.Warn("varnishd's CLI connection broke, waiting for it to connect anew", zap.Error(err))
		}
	}
}

// watch looks at the child until the connection breaks or ctx ends.
func (s *Supervisor[C]) watch(ctx context.Context, cli C, hints <-chan struct{}, children *children) error {
	for {
		within, cancel := context.WithTimeout(ctx, s.config.AnswerWithin)
		err := children.look(within, cli)
		cancel()
		// A command that takes long, such as one that compiles VCL, has a bound of its own.
		if err != nil && !errors.Is(err, varnishcli.ErrBusy) {
			return err
		}
		s.beat()
		if err := s.wait(ctx, hints); err != nil {
			return err
		}
	}
}

// wait returns when the child is to be looked at again, and with an error when ctx ends.
func (s *Supervisor[C]) wait(ctx context.Context, hints <-chan struct{}) error {
	poll := s.config.Clock.NewTimer(s.config.PollEvery)
	defer poll.Stop()
	select {
	case <-hints:
	case <-poll.C():
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// stop ends varnishd: kindly first, and with force when it takes too long.
func (s *Supervisor[C]) stop(process Process) {
	process.Signal(syscall.SIGTERM)
	kill := s.config.Clock.NewTimer(s.config.StopWithin)
	defer kill.Stop()
	select {
	case <-process.Done():
		return
	case <-kill.C():
	}
	s.config.Log.Warn("varnishd did not end in time, killing it")
	process.Signal(syscall.SIGKILL)
	<-process.Done()
}

func (s *Supervisor[C]) setState(state adminapi.VarnishdState) {
	s.config.Board.Update(func(st *adminapi.Status) { st.Varnishd.State = state })
}

func (s *Supervisor[C]) beat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lastBeat = s.config.Clock.Now()
}

// Responsive says whether the supervisor's loop has turned within the time that a slow varnishd, or
// the longest back-off, may hold it up.
func (s *Supervisor[C]) Responsive() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	longest := s.config.AnswerWithin + s.config.ConnectWithin + s.config.Backoff.Longest + 2*s.config.StopWithin
	return s.config.Clock.Since(s.lastBeat) < longest
}
