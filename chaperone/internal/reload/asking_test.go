package reload

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"

	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

func TestAGhostThatIsAwayIsAskedAgain(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	b.ghost.set(func(g *fakeGhost) { g.away = true })
	b.child()
	b.routing(1)
	b.eventually("it is told", func(r adminapi.Routing) bool { return r.Pending == "connection refused" && r.Error == "" })
	b.ghost.set(func(g *fakeGhost) { g.away = false })
	b.runs(1)
	b.eventually("all is well again", func(r adminapi.Routing) bool { return r.Pending == "" && r.Sequence == 1 })
}

func TestAGhostThatTakesLongIsWaitedForAndTold(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.controller.config.SlowAfter = time.Millisecond
	b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	slow := make(chan struct{})
	b.ghost.set(func(g *fakeGhost) { g.slow = slow })
	b.child()
	b.routing(1)
	b.eventually("it is told", func(r adminapi.Routing) bool {
		return r.Pending == "ghost has been building routing.json (sequence 1) for more than 1ms" && r.Error == ""
	})
	close(slow)
	b.runs(1)
	b.eventually("nothing is pending", func(r adminapi.Routing) bool { return r.Pending == "" && r.Sequence == 1 })
	assert.Equal(t, 1, b.ghost.asked, "it was asked once")
}

// whileGhostBuilds is a bench whose ghost was asked for the first routing, and answers when it is told to.
func whileGhostBuilds(t *testing.T) (b *bench, answer func()) {
	b = newBench(t, t.TempDir())
	b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	slow := make(chan struct{})
	b.ghost.set(func(g *fakeGhost) { g.slow = slow })
	b.child()
	b.routing(1)
	varnishtest.Eventually(t, "ghost is asked", func() bool { return b.ghost.askedTimes() == 1 })
	return b, func() {
		b.ghost.set(func(g *fakeGhost) { g.slow = nil })
		close(slow)
	}
}

func TestNewsIsTakenWhileGhostBuildsAndTheLatestComesNext(t *testing.T) {
	b, answer := whileGhostBuilds(t)

	b.inputs.Take(source.Update{Pairs: source.Pairs{"web": {}}})
	b.eventuallyTerminates("1 [web]")
	for sequence := range int64(5) {
		b.inputs.Take(source.Update{Config: &source.Config{Routing: routingOf(t, sequence+2), Main: fmt.Appendf(nil, "main %d", sequence+2)}})
		varnishtest.Eventually(t, "main.vcl is taken", func() bool { return b.wanted() == fmt.Sprintf("main %d", sequence+2) })
		b.slice(fmt.Sprintf("10.0.0.%d", sequence+2))
	}
	assert.EqualValues(t, 1, b.onDisk(), "what ghost builds from stays as it is")
	assert.Equal(t, 1, b.ghost.askedTimes(), "it is not asked meanwhile")
	answer()
	b.runs(6, "10.0.0.6")
	assert.Equal(t, 2, b.ghost.askedTimes(), "what came in between was never built")
}

func TestAnAnswerOfAChildThatIsGoneSaysNothingOfWhatRuns(t *testing.T) {
	b, answer := whileGhostBuilds(t)
	b.controller.Down()
	varnishtest.Eventually(t, "it is noticed", func() bool { return len(b.controller.life) == 0 })
	answer()
	varnishtest.Eventually(t, "what it took is kept", func() bool {
		kept, err := read(b.controller.config.Store.(*Disk).good)
		return err == nil && kept != nil
	})
	b.eventually("nothing runs", func(r adminapi.Routing) bool { return r.Sequence == 0 })
	b.child()
	b.eventually("the next one is asked", func(r adminapi.Routing) bool { return r.Sequence == 1 })
}

// Whatever comes while ghost builds, and however it answers, it runs the newest in the end.
func TestTheNewestRunsInTheEnd(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 20 {
		b := newBench(t, t.TempDir())
		b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
		b.child()
		var last int64
		for range 1 + random.IntN(12) {
			switch random.IntN(4) {
			case 0:
				b.ghost.set(func(g *fakeGhost) { g.away = !g.away })
			case 1:
				b.controller.ChildStarted()
			case 2:
				// The one before may be refused: nothing more comes of it.
				b.ghost.set(func(g *fakeGhost) { g.refuse[last] = true })
			}
			last++
			b.routing(last)
		}
		b.slice(fmt.Sprintf("10.0.1.%d", round))
		b.ghost.set(func(g *fakeGhost) { g.away = false })
		b.runs(last, fmt.Sprintf("10.0.1.%d", round))
		b.eventually("status tells of it", func(r adminapi.Routing) bool {
			return r.Sequence == last && r.Error == "" && r.Pending == ""
		})
	}
}
