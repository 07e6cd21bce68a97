package supervise

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// fakeProcess ends when it is told to, or by the signals that it obeys.
type fakeProcess struct {
	obeys   []syscall.Signal
	done    chan struct{}
	once    sync.Once
	mu      sync.Mutex
	signals []syscall.Signal
}

func newFakeProcess(obeys ...syscall.Signal) *fakeProcess {
	return &fakeProcess{obeys: obeys, done: make(chan struct{})}
}

func (p *fakeProcess) Pid() int              { return 1 }
func (p *fakeProcess) Done() <-chan struct{} { return p.done }
func (p *fakeProcess) Outcome() string       { return "ended" }
func (p *fakeProcess) end()                  { p.once.Do(func() { close(p.done) }) }

func (p *fakeProcess) Signal(signal syscall.Signal) error {
	p.mu.Lock()
	p.signals = append(p.signals, signal)
	p.mu.Unlock()
	if slices.Contains(p.obeys, signal) {
		p.end()
	}
	return nil
}

func (p *fakeProcess) sent() []syscall.Signal {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.signals)
}

// fakeCLI answers what the test has set.
type fakeCLI struct {
	mu     sync.Mutex
	worker int
	panic  string
	broken error
	// busy says that another command has its turn when the child's last words are asked for.
	busy bool
	// hangs holds answers up until it is closed, asked is closed by the first question that it holds up.
	hangs, asked chan struct{}
	// looked, where it is not nil, is told of each look at the child.
	looked chan struct{}
}

func (c *fakeCLI) set(change func(*fakeCLI)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

func (c *fakeCLI) Pids(context.Context) (varnishcli.Pids, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.hangs != nil {
		close(c.asked)
		<-c.hangs
		c.hangs = nil
	}
	if c.looked != nil {
		select {
		case c.looked <- struct{}{}:
		default:
		}
	}
	return varnishcli.Pids{Master: 1, Worker: c.worker}, c.broken
}

func (c *fakeCLI) Panic(context.Context) (string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.busy {
		return "", varnishcli.ErrBusy
	}
	return c.panic, c.broken
}

func (c *fakeCLI) ClearPanic(context.Context) error {
	c.set(func(c *fakeCLI) { c.panic = "" })
	return nil
}

func (c *fakeCLI) Close() error { return nil }

// fakeOrphan counts how many are held.
type fakeOrphan struct{ held *atomic.Int64 }

func (o *fakeOrphan) End(time.Duration) bool { o.held.Add(-1); return false }
func (o *fakeOrphan) Release()               { o.held.Add(-1) }

// recorder keeps what a Handler was told.
type recorder struct{ events chan string }

func (r *recorder) Up(context.Context, *fakeCLI) { r.events <- "up" }
func (r *recorder) ChildStarted()                { r.events <- "child" }
func (r *recorder) ChildMissing()                { r.events <- "missing" }
func (r *recorder) Down()                        { r.events <- "down" }

// bench is a Supervisor with everything about it faked.
type bench struct {
	t         *testing.T
	clock     *clocktesting.FakeClock
	board     *status.Board
	processes chan *fakeProcess
	clis      chan *fakeCLI
	output    chan func(string)
	recorder  *recorder
	held      atomic.Int64
	stop      context.CancelFunc
	ended     chan error
	super     *Supervisor[*fakeCLI]
}

func newBench(t *testing.T, change func(*Config[*fakeCLI])) *bench {
	b := &bench{
		t: t, clock: clocktesting.NewFakeClock(time.Unix(1000, 0)), board: status.NewBoard(adminapi.Status{}),
		processes: make(chan *fakeProcess, 8), clis: make(chan *fakeCLI, 8), output: make(chan func(string), 8),
		recorder: &recorder{events: make(chan string, 64)}, ended: make(chan error, 1),
	}
	config := Config[*fakeCLI]{
		Start: func(output func(string)) (Process, error) {
			b.output <- output
			return <-b.processes, nil
		},
		Accept: func(ctx context.Context, _ int) (*fakeCLI, error) {
			select {
			case cli := <-b.clis:
				return cli, nil
			case <-ctx.Done():
				return nil, ctx.Err()
			}
		},
		Hold:    func(pid int) (Orphan, error) { b.held.Add(1); return &fakeOrphan{held: &b.held}, nil },
		Handler: b.recorder, Board: b.board, Clock: b.clock,
		Log: zaptest.NewLogger(t, zaptest.Level(zap.FatalLevel)),
	}
	if change != nil {
		change(&config)
	}
	ctx, cancel := context.WithCancel(context.Background())
	b.stop = cancel
	b.super = New(config)
	go func() { b.ended <- b.super.Run(ctx) }()
	t.Cleanup(cancel)
	return b
}

// expect fails unless exactly these events come next.
func (b *bench) expect(events ...string) {
	b.t.Helper()
	for _, want := range events {
		select {
		case got := <-b.recorder.events:
			if got != want {
				b.t.Fatalf("event %q instead of %q", got, want)
			}
		case <-time.After(30 * time.Second):
			b.t.Fatalf("event %q does not come", want)
		}
	}
}

var errBroken = errors.New("connection reset")
