package vcl

import (
	"bytes"
	"context"
	"math"
	"sync"
	"time"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/ready"
	"github.com/varnish-gateway/gateway/chaperone/internal/retry"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
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
	// backoff, again and said are Run's own: when a rejected main.vcl is tried again, and what was logged last.
	backoff retry.Backoff
	again   <-chan time.Time
	said    string

	mu sync.Mutex
	// main is main.vcl, nil where there is none; wanted says that this is known.
	main   []byte
	wanted bool
	cli    CLI
	ctx    context.Context
	// fresh says that varnishd is another one than at the last attempt, renewed that it or main.vcl is.
	fresh, renewed bool
	// missing says that varnishd has no child.
	missing bool
	wake    chan struct{}
}

// retryAfter is how long to wait when nothing could be loaded, or varnishd could not be asked.
const retryAfter = 5 * time.Second

// closedRetryAfter is the longest that a pod rests which answers every request 503.
const closedRetryAfter = 30 * time.Second

// tooLongRetryAfter is how long to wait before a main.vcl is tried again that took too long to compile, or to be loaded
// in a trial: compilers keep a processor busy all the time, and other VCL has to wait.
const tooLongRetryAfter = 4 * adminapi.CompileWithin

// newBackoff is how long to wait before a main.vcl that was rejected is tried again. Each attempt is a compilation.
func newBackoff() retry.Backoff {
	return retry.Backoff{First: 5 * time.Second, Longest: 5 * time.Minute, Steady: math.MaxInt64}
}

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
		backoff: newBackoff(), wake: make(chan struct{}, 1),
	}
}

// Want says that this is main.vcl now; nil, that there is none. One that goes away leaves what there was.
func (m *Manager) Want(main []byte) {
	m.change(func() bool {
		if m.wanted && (main == nil || bytes.Equal(m.main, main)) {
			return false
		}
		m.main, m.wanted, m.renewed = main, true, true
		return true
	})
}

// Up says that varnishd answers on this connection until ctx ends.
func (m *Manager) Up(ctx context.Context, cli CLI) {
	m.change(func() bool {
		m.ctx, m.cli, m.fresh, m.renewed = ctx, cli, true, true
		return true
	})
}

// ChildMissing says that varnishd has had no child for a while, and does not start one by itself.
func (m *Manager) ChildMissing() {
	m.change(func() bool {
		m.missing = true
		m.tasks.Set(ready.VCLActive, false)
		return true
	})
}

// ChildStarted says that varnishd has a child.
func (m *Manager) ChildStarted() {
	m.change(func() bool {
		was := m.missing
		m.missing = false
		return was
	})
}

// Down says that varnishd has ended.
func (m *Manager) Down() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ctx, m.cli, m.missing = nil, nil, false
	m.inactive()
}

// inactive says that nothing is in effect. It is called with the lock held.
func (m *Manager) inactive() {
	m.tasks.Set(ready.VCLActive, false)
	m.board.Update(func(s *adminapi.Status) { s.VCL = adminapi.VCL{Error: s.VCL.Error} })
}

func (m *Manager) change(change func() bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if change() {
		select {
		case m.wake <- struct{}{}:
		default:
		}
	}
}

// Run does the work until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	for {
		select {
		case <-m.wake:
		case <-m.again:
			m.again = nil
			m.loader.ForgetHarmless()
		case <-ctx.Done():
			return
		}
		m.load()
	}
}

// load is one attempt. If varnishd went away, the next Up makes for another one.
func (m *Manager) load() {
	m.mu.Lock()
	ctx, cli, main, fresh, renewed := m.ctx, m.cli, m.main, m.fresh, m.renewed
	known := m.wanted
	m.fresh, m.renewed = false, false
	// What is known now needs no other attempt.
	select {
	case <-m.wake:
	default:
	}
	m.mu.Unlock()
	if cli == nil || !known || ctx.Err() != nil {
		return
	}
	if fresh {
		m.loader.Forget()
	}
	result, err := m.loader.Load(ctx, cli, main)
	m.mu.Lock()
	defer m.mu.Unlock()
	if ctx.Err() != nil || m.ctx != ctx {
		return
	}
	m.tell(result, err)
	m.schedule(result, err, renewed)
}

// schedule decides when to try again: soon where nothing runs, ever more slowly where something else does.
func (m *Manager) schedule(result Result, err error, renewed bool) {
	if renewed {
		m.again, m.backoff = nil, newBackoff()
	}
	switch {
	case err != nil:
		m.again = m.clock.After(retryAfter)
	case result.Active.Name == "":
		m.loader.Forget()
		m.again = m.clock.After(retryAfter)
	case result.Active.Fallback == adminapi.FallbackClosed:
		// Nobody is served: there is nothing to lose, and every minute counts.
		m.loader.Forget()
		m.again = m.clock.After(min(m.backoff.After(0), closedRetryAfter))
	case !result.Retry:
		m.again = nil
	case m.again == nil && result.TooLong:
		m.again = m.clock.After(tooLongRetryAfter)
	case m.again == nil:
		m.again = m.clock.After(m.backoff.After(0))
	}
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
	active := result.Active
	m.say(active, message)
	m.board.Update(func(s *adminapi.Status) {
		s.VCL.Error = message
		if err == nil {
			s.VCL.Active, s.VCL.Sequence, s.VCL.Digest = active.Name, active.Sequence, active.Digest
			s.VCL.Fallback, s.VCL.LeftOut = active.Fallback, sources(active.LeftOut)
		}
	})
	// Who answers 503 to everybody is not ready: other pods may serve, and a roll-out must not replace those that do.
	switch serves := active.Name != "" && active.Fallback != adminapi.FallbackClosed; {
	case err != nil:
	case serves && m.missing:
		// ChildStarted comes first.
	default:
		m.tasks.Set(ready.VCLActive, serves)
	}
}

// sources are the names of parts.
func sources(parts []mainvcl.Part) []string {
	var names []string
	for _, part := range parts {
		names = append(names, part.Source)
	}
	return names
}

// say logs what is in effect, unless it was said already.
func (m *Manager) say(active Program, message string) {
	now := active.Name + "\n" + message
	if now == m.said {
		return
	}
	m.said = now
	if message == "" {
		m.log.Info("main.vcl is in effect", zap.String("active", active.Name))
		if bypass := mainvcl.UsersBypassDirectDoor(active.Source); bypass != "" {
			m.log.Warn("VCL may let requests that are not cached bypass the direct door; Varnish fetches those",
				zap.String("active", active.Name), zap.String("vcl", bypass))
		}
		return
	}
	m.log.Error("main.vcl is not in effect", zap.String("active", active.Name), zap.String("fallback", string(active.Fallback)),
		zap.Strings("leftOut", sources(active.LeftOut)), zap.String("reason", message))
}
