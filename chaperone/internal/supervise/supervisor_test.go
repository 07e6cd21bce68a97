package supervise

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// Process numbers of children.
const firstChild, secondChild = 4711, 4712

// start brings a bench to where varnishd and a child run.
func (b *bench) start() (*fakeProcess, *fakeCLI) {
	process, cli := newFakeProcess(syscall.SIGTERM), &fakeCLI{}
	b.processes <- process
	b.clis <- cli
	b.expect("up")
	cli.set(func(c *fakeCLI) { c.worker = firstChild })
	b.tick()
	b.expect("child")
	return process, cli
}

// tick lets the next poll happen.
func (b *bench) tick() {
	b.t.Helper()
	varnishtest.Eventually(b.t, "somebody waits for the clock", b.clock.HasWaiters)
	b.clock.Step(time.Second)
}

func (b *bench) varnishd() adminapi.Varnishd { return b.board.Get().Varnishd }

func TestARunningVarnishdIsStoppedKindly(t *testing.T) {
	b := newBench(t, nil)
	process, _ := b.start()
	assert.Equal(t, adminapi.VarnishdRunning, b.varnishd().State)
	b.stop()
	b.expect("down")
	require.NoError(t, <-b.ended)
	assert.Equal(t, []syscall.Signal{syscall.SIGTERM}, process.sent())
	assert.Equal(t, adminapi.VarnishdStopped, b.varnishd().State)
	assert.Zero(t, b.held.Load(), "no child is held any more")
	assert.Zero(t, b.varnishd().Restarts, "an end that was asked for is no restart")
}

func TestAVarnishdThatIgnoresSIGTERMIsKilled(t *testing.T) {
	b := newBench(t, nil)
	process := newFakeProcess(syscall.SIGKILL)
	b.processes <- process
	b.clis <- &fakeCLI{}
	b.expect("up")
	b.stop()
	varnishtest.Eventually(t, "SIGTERM is sent", func() bool { return len(process.sent()) == 1 })
	varnishtest.Eventually(t, "varnishd was killed once its time was over", func() bool {
		b.clock.Step(time.Second)
		return len(process.sent()) == 2
	})
	require.NoError(t, <-b.ended)
	assert.Equal(t, []syscall.Signal{syscall.SIGTERM, syscall.SIGKILL}, process.sent())
}

func TestAVarnishdThatEndsIsStartedAgain(t *testing.T) {
	b := newBench(t, nil)
	process := newFakeProcess()
	b.processes <- process
	b.clis <- &fakeCLI{}
	b.expect("up")
	process.end()
	b.expect("down")
	varnishtest.Eventually(t, "varnishd waits to be started again", func() bool {
		return b.varnishd().State == adminapi.VarnishdBackoff
	})
	assert.EqualValues(t, 1, b.varnishd().Restarts)
	b.tick()
	b.start()
	assert.Equal(t, adminapi.VarnishdRunning, b.varnishd().State)
	assert.Zero(t, b.varnishd().ChildRestarts, "the child of a new varnishd is no restart of a child")
}

func TestAProgramThatCannotBeStartedIsFatalAtFirst(t *testing.T) {
	b := newBench(t, func(c *Config[*fakeCLI]) {
		c.Start = func(func(string)) (Process, error) { return nil, errors.New("no such file") }
	})
	require.ErrorContains(t, <-b.ended, "no such file")
}

func TestAVarnishdThatDoesNotConnectIsStartedAgain(t *testing.T) {
	b := newBench(t, func(c *Config[*fakeCLI]) { c.ConnectWithin = time.Millisecond })
	process := newFakeProcess(syscall.SIGTERM)
	b.processes <- process
	b.expect("down")
	assert.Equal(t, []syscall.Signal{syscall.SIGTERM}, process.sent())
}

func TestAChildThatDiesIsCountedAndTold(t *testing.T) {
	b := newBench(t, nil)
	_, cli := b.start()
	cli.set(func(c *fakeCLI) { c.worker, c.panic = secondChild, "\nAssert error in VRT()\nmore\n" })
	b.tick()
	b.expect("child")
	assert.EqualValues(t, 1, b.varnishd().ChildRestarts)
	assert.Equal(t, "Assert error in VRT()", b.varnishd().LastPanic)
	assert.Empty(t, cli.panic, "a panic that was seen is cleared")
}

func TestAChildThatStartsWhileACommandTakesLongIsTold(t *testing.T) {
	b := newBench(t, nil)
	_, cli := b.start()
	looked := make(chan struct{}, 1)
	cli.set(func(c *fakeCLI) {
		c.worker, c.panic, c.busy, c.looked = secondChild, "Assert error in VRT()", true, looked
	})
	b.tick()
	<-looked
	cli.set(func(c *fakeCLI) { c.busy = false })
	b.tick()
	b.expect("child")
	assert.EqualValues(t, 1, b.varnishd().ChildRestarts)
	assert.Equal(t, "Assert error in VRT()", b.varnishd().LastPanic)
}

func TestAChildThatIsAwayIsNotServing(t *testing.T) {
	b := newBench(t, nil)
	_, cli := b.start()
	cli.set(func(c *fakeCLI) { c.worker = 0 })
	b.tick()
	varnishtest.Eventually(t, "state is starting", func() bool { return b.varnishd().State == adminapi.VarnishdStarting })
	cli.set(func(c *fakeCLI) { c.worker = secondChild })
	b.tick()
	b.expect("child")
	assert.EqualValues(t, 1, b.varnishd().ChildRestarts)
}

func TestAChildThatStaysAwayIsMissed(t *testing.T) {
	b := newBench(t, nil)
	_, cli := b.start()
	cli.set(func(c *fakeCLI) { c.worker = 0 })
	for range missingLooks {
		b.tick()
	}
	b.expect("missing")
}

func TestALineAboutTheChildMakesForALookAtOnce(t *testing.T) {
	b := newBench(t, nil)
	output := <-b.output
	_, cli := b.start()
	cli.set(func(c *fakeCLI) { c.worker = secondChild })
	output("Error: Child (4711) died signal=9")
	b.expect("child")
}

func TestABrokenConnectionIsMadeAnew(t *testing.T) {
	b := newBench(t, nil)
	_, cli := b.start()
	cli.set(func(c *fakeCLI) { c.broken = errBroken })
	second := &fakeCLI{worker: firstChild}
	b.clis <- second
	b.tick()
	b.expect("up")
	assert.Zero(t, b.varnishd().Restarts)
	assert.Zero(t, b.varnishd().ChildRestarts)
}

func TestAVarnishdThatIsBusyIsLeftInPeace(t *testing.T) {
	b := newBench(t, nil)
	_, cli := b.start()
	asked := make(chan struct{}, 1)
	cli.set(func(c *fakeCLI) {
		c.broken = fmt.Errorf("running pid: %w: %w", varnishcli.ErrBusy, context.DeadlineExceeded)
		c.looked = asked
	})
	for range 10 {
		b.tick()
		<-asked
		b.clock.Step(time.Minute)
	}
	varnishtest.Eventually(t, "the loop turns", b.super.Responsive)
	cli.set(func(c *fakeCLI) { c.broken, c.looked, c.worker = nil, nil, secondChild })
	b.tick()
	b.expect("child")
	assert.Zero(t, b.varnishd().Restarts, "the connection was not broken off")
}

func TestResponsive(t *testing.T) {
	b := newBench(t, nil)
	_, cli := b.start()
	assert.True(t, b.super.Responsive())
	release := make(chan struct{})
	cli.set(func(c *fakeCLI) { c.hangs, c.asked = release, make(chan struct{}) })
	b.tick()
	<-cli.asked
	b.clock.Step(time.Hour)
	assert.False(t, b.super.Responsive(), "varnishd has not answered for an hour")
	close(release)
	varnishtest.Eventually(t, "the loop turns again", b.super.Responsive)
}
