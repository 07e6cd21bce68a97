package vcl

import (
	"bytes"
	"context"
	"sync"
	"time"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/ready"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
)

// Manager keeps varnishd and main.vcl together, whichever of the two is new. Its methods are safe for
// concurrent use and do not block.
type Manager struct {
	loader *Loader
	board  *status.Board
	tasks  *ready.Tasks
	log    *zap.Logger
	// loaded is told after each attempt, for counting.
	loaded func(ok bool)
	clock  clock.Clock

	mu   sync.Mutex
	main []byte
	cli  CLI
	ctx  context.Context
	// fresh says that varnishd is another one than at the last attempt.
	fresh bool
	wake  chan struct{}
}

// retryAfter is how long to wait when nothing could be loaded, or varnishd could not be asked.
const retryAfter = 5 * time.Second

// Observers are told of a Manager's work.
type Observers struct {
	Board *status.Board
	Tasks *ready.Tasks
	Log   *zap.Logger
	// Loaded is told after each attempt to load, for counting.
	Loaded func(ok bool)
}

// NewManager makes a Manager; Run does its work.
func NewManager(loader *Loader, clock clock.Clock, o Observers) *Manager {
	return &Manager{
		loader: loader, clock: clock, board: o.Board, tasks: o.Tasks, log: o.Log, loaded: o.Loaded,
		wake: make(chan struct{}, 1),
	}
}

// Want says that this is main.vcl now.
func (m *Manager) Want(main []byte) {
	m.change(func() bool {
		same := bytes.Equal(m.main, main)
		m.main = main
		return !same
	})
}

// Up says that varnishd answers on this connection until ctx ends.
func (m *Manager) Up(ctx context.Context, cli CLI) {
	m.change(func() bool {
		m.ctx, m.cli, m.fresh = ctx, cli, true
		return true
	})
}

// ChildMissing says that varnishd has had no child for a while, and does not start one by itself.
func (m *Manager) ChildMissing() {
	m.change(func() bool { return true })
}

// Down says that varnishd has ended.
func (m *Manager) Down() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ctx, m.cli = nil, nil
	m.tasks.Set(ready.VCLActive, false)
	m.board.Update(func(s *status.Status) { s.VCL.Active, s.VCL.Sequence = "", 0 })
}

func (m *Manager) change(change func() bool) {
	m.mu.Lock()
	changed := change()
	m.mu.Unlock()
	if changed {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
}

// Run does the work until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	var retry <-chan time.Time
	for {
		select {
		case <-m.wake:
		case <-retry:
		case <-ctx.Done():
			return
		}
		retry = nil
		if !m.load() {
			retry = m.clock.After(retryAfter)
		}
	}
}

// load is one attempt. It says whether varnishd runs something afterwards; if it went away, the next Up
// makes for another attempt.
func (m *Manager) load() (settled bool) {
	m.mu.Lock()
	ctx, cli, main, fresh := m.ctx, m.cli, m.main, m.fresh
	m.fresh = false
	m.mu.Unlock()
	if cli == nil || main == nil || ctx.Err() != nil {
		return true
	}
	if fresh {
		m.loader.Forget()
	}
	result, err := m.loader.Load(ctx, cli, main)
	if err == nil && result.Active.Name == "" {
		m.loader.Forget()
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil || m.ctx != ctx {
		return true
	}
	m.tell(result, err)
	return err == nil && result.Active.Name != ""
}

// tell is called with the lock held, so that what it says cannot come after Down.
func (m *Manager) tell(result Result, err error) {
	message := result.Message
	if err != nil {
		message = err.Error()
	}
	if result.Compiled || err != nil {
		m.loaded(message == "")
	}
	if message != "" {
		m.log.Error("main.vcl is not in effect", zap.String("active", result.Active.Name), zap.String("reason", message))
	} else {
		m.log.Info("main.vcl is in effect", zap.String("active", result.Active.Name))
	}
	m.board.Update(func(s *status.Status) {
		s.VCL.Error = message
		if result.Active.Name != "" {
			s.VCL.Active, s.VCL.Sequence = result.Active.Name, result.Active.Sequence
		}
	})
	if result.Active.Name != "" {
		m.tasks.Set(ready.VCLActive, true)
	}
}
