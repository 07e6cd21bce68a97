package vcl

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varnish-gateway/gateway/chaperone/internal/ready"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// managed is a Manager with a fake varnishd.
type managed struct {
	*Manager
	t        *testing.T
	varnishd *fakeVarnishd
	clock    *clocktesting.FakeClock
	board    *status.Board
	tasks    *ready.Tasks
	logs     *observer.ObservedLogs
	down     context.CancelFunc
}

func manage(t *testing.T) *managed {
	files, err := OpenFiles(t.TempDir())
	require.NoError(t, err)
	core, logs := observer.New(zap.InfoLevel)
	m := &managed{
		t: t, varnishd: newFakeVarnishd(files.Dir()), clock: clocktesting.NewFakeClock(time.Unix(1000, 0)),
		board: status.NewBoard(adminapi.Status{}), tasks: ready.New(nil, ready.VCLActive), logs: logs,
	}
	m.Manager = NewManager(NewLoader(files, nil), m.clock, Observers{Board: m.board, Tasks: m.tasks, Log: zap.New(core), Loaded: func(bool) {}})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); m.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return m
}

// up connects a varnishd, the way a supervisor does.
func (m *managed) up() {
	ctx, cancel := context.WithCancel(m.t.Context())
	m.down = func() { cancel(); m.Down() }
	m.Up(ctx, m.varnishd)
}

func (m *managed) eventually(what string, condition func(s adminapi.VCL, ready bool) bool) {
	m.t.Helper()
	varnishtest.Eventually(m.t, what, func() bool { return condition(m.board.Get().VCL, m.tasks.Ready()) })
}

func (m *managed) runs(program []byte) {
	m.t.Helper()
	name := nameOf(m.t, program)
	m.eventually(name+" is in effect", func(s adminapi.VCL, ready bool) bool {
		return s.Active == name && s.Digest == contract.Digest(program) && ready
	})
}

// runsInstead waits for a program that stands for main.vcl.
func (m *managed) runsInstead(fallback adminapi.Fallback, message string) {
	m.t.Helper()
	m.eventually(string(fallback)+" is in effect", func(s adminapi.VCL, ready bool) bool {
		return s.Fallback == fallback && s.Error == message && ready == (fallback != adminapi.FallbackClosed)
	})
}

func TestAManagerBringsTogetherWhateverComesFirst(t *testing.T) {
	for name, order := range map[string]func(m *managed){
		"varnishd, then main.vcl": func(m *managed) { m.up(); m.Want(main(1, "one")) },
		"main.vcl, then varnishd": func(m *managed) { m.Want(main(1, "one")); m.up() },
	} {
		t.Run(name, func(t *testing.T) {
			m := manage(t)
			order(m)
			m.runs(main(1, "one"))
			m.Want(main(2, "two"))
			m.runs(main(2, "two"))
		})
	}
}

func TestVCLThatBypassesTheDirectDoorIsWarnedOf(t *testing.T) {
	const name = "ConfigMap a/b, key main.vcl"
	pass := mainvcl.Source{Name: name, Text: "sub vcl_recv {\n  return (pass);\n}\n"}
	m := manage(t)
	m.up()
	warnings := func() []observer.LoggedEntry { return m.logs.FilterLevelExact(zap.WarnLevel).TakeAll() }
	fetch := mainInDoor(mainvcl.PassDoorFetch, 1, pass)
	m.Want(fetch)
	m.runs(fetch)
	assert.Empty(t, warnings(), "no door to bypass")
	direct := mainInDoor(mainvcl.PassDoorDirect, 2, pass)
	m.Want(direct)
	m.runs(direct)
	varnishtest.Eventually(t, "a warning", func() bool { return m.logs.FilterLevelExact(zap.WarnLevel).Len() > 0 })
	said := warnings()
	require.Len(t, said, 1)
	assert.Equal(t, name+", line 2: return (pass)", said[0].ContextMap()["vcl"])
}

func TestANewVarnishdGetsWhatIsWanted(t *testing.T) {
	m := manage(t)
	m.up()
	m.Want(main(1, "one"))
	m.runs(main(1, "one"))
	m.down()
	assert.False(t, m.tasks.Ready())
	assert.Equal(t, adminapi.VCL{LeftOut: []string{}}, m.board.Get().VCL)
	m.varnishd = newFakeVarnishd(m.varnishd.dir)
	m.up()
	m.runs(main(1, "one"))
}

func TestAMainVCLThatGoesAwayLeavesTheLastGoodOne(t *testing.T) {
	m := manage(t)
	m.up()
	m.Want(nil)
	m.runsInstead(adminapi.FallbackClosed, "there is no main.vcl")
	m.Want(main(1, "one"))
	m.runs(main(1, "one"))
	m.Want(nil)
	m.Want(main(2, "two"))
	m.runs(main(2, "two"))
}

const unresolved = "Backend host \"auth.svc\" could not be resolved"

func TestARejectedMainVCLIsTriedEverMoreSlowly(t *testing.T) {
	m := manage(t)
	m.varnishd.flaky = true
	m.up()
	m.Want(main(1, "flaky"))
	m.runsInstead(adminapi.FallbackOpen, unresolved)
	said := m.logs.Len()
	compiled := 2
	for _, wait := range []time.Duration{5, 10, 20, 40, 80, 160, 300, 300} {
		varnishtest.Eventually(t, "another attempt is due", m.clock.HasWaiters)
		m.clock.Step(wait*time.Second - 1)
		require.True(t, m.clock.HasWaiters(), "not before %d s", wait)
		m.clock.Step(1)
		compiled++
		varnishtest.Eventually(t, "it is tried again", func() bool { return m.varnishd.compilations() == compiled })
	}
	assert.Equal(t, said, m.logs.Len(), "what is known is not said again")
	m.varnishd.set(func() { m.varnishd.flaky = false })
	varnishtest.Eventually(t, "another attempt is due", m.clock.HasWaiters)
	m.clock.Step(5 * time.Minute)
	m.runs(main(1, "flaky"))
	assert.Equal(t, said+1, m.logs.Len())
}

func TestAPodThatAnswers503IsNotReadyAndTriesAgainSoon(t *testing.T) {
	m := manage(t)
	m.varnishd.flaky = true
	m.up()
	m.Want(composed(1, "flaky", "own"))
	m.runsInstead(adminapi.FallbackClosed, unresolved)
	said := m.logs.Len()
	for _, wait := range []time.Duration{5, 10, 20, 30, 30} {
		varnishtest.Eventually(t, "another attempt is due", m.clock.HasWaiters)
		m.clock.Step(wait*time.Second - 1)
		require.True(t, m.clock.HasWaiters(), "not before %d s", wait)
		compiled := m.varnishd.compilations()
		m.clock.Step(1)
		varnishtest.Eventually(t, "it is tried again", func() bool { return m.varnishd.compilations() == compiled+2 })
	}
	assert.Equal(t, said, m.logs.Len(), "what is known is not said again")
	varnishtest.Eventually(t, "another attempt is due", m.clock.HasWaiters)
	m.varnishd.set(func() { m.varnishd.flaky = false })
	m.clock.Step(closedRetryAfter)
	m.runs(composed(1, "flaky", "own"))
}

func TestWhatIsLeftOutIsTold(t *testing.T) {
	m := manage(t)
	m.up()
	m.Want(composed(1, "class", "broken"))
	m.runsInstead(adminapi.FallbackPartial, "Expected ';'\n('main.vcl' Line 2 Pos 1)")
	assert.Equal(t, []string{"own"}, m.board.Get().VCL.LeftOut)
	assert.Zero(t, m.board.Get().VCL.Sequence, "no main.vcl is in effect")
	assert.Empty(t, m.board.Get().VCL.Digest, "nor is the content of one")
	m.Want(composed(2, "class", "own"))
	m.runs(composed(2, "class", "own"))
	assert.Equal(t, []string{}, m.board.Get().VCL.LeftOut)
}

func TestARejectedMainVCLIsTriedInANewVarnishdAtOnce(t *testing.T) {
	m := manage(t)
	m.varnishd.flaky = true
	m.up()
	m.Want(main(1, "flaky"))
	m.runsInstead(adminapi.FallbackOpen, unresolved)
	m.down()
	m.varnishd = newFakeVarnishd(m.varnishd.dir)
	m.up()
	m.runs(main(1, "flaky"))
}

func TestAPodWhoseChildIsMissingIsNotReady(t *testing.T) {
	m := manage(t)
	m.up()
	m.Want(main(1, "one"))
	m.runs(main(1, "one"))
	m.varnishd.set(func() { m.varnishd.running, m.varnishd.childless = false, true })
	m.ChildMissing()
	assert.False(t, m.tasks.Ready(), "at once")
	m.eventually("it is told that nothing runs", func(s adminapi.VCL, ready bool) bool { return s.Active == "" && !ready })
	m.varnishd.set(func() { m.varnishd.childless = false })
	varnishtest.Eventually(t, "another attempt is due", m.clock.HasWaiters)
	m.clock.Step(retryAfter)
	varnishtest.Eventually(t, "the child runs", func() bool {
		running, err := m.varnishd.Running(t.Context())
		return err == nil && running
	})
	assert.False(t, m.tasks.Ready(), "whether it stays is the supervisor's to say")
	m.ChildStarted()
	m.runs(main(1, "one"))
}
