package reload

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestRoutingAndEndpointsReachGhost(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	b.slice("10.0.0.1")
	b.child()
	b.routing(1)
	b.runs(1, "10.0.0.1")
	assert.Equal(t, []string{"shop"}, <-b.followed)
	b.slice("10.0.0.2")
	b.runs(1, "10.0.0.2")
	b.eventually("status tells of it", func(r adminapi.Routing) bool { return r.Sequence == 1 && r.Endpoints == 1 && r.Error == "" })
	assert.True(t, b.tasks.Ready())
}

func TestARefusedConfigurationLeavesTheLastGoodOne(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	b.ghost.set(func(g *fakeGhost) { g.refuse[2] = true })
	b.child()
	b.routing(1)
	b.runs(1)
	b.routing(2)
	b.eventually("the refusal is told", func(r adminapi.Routing) bool { return r.Error == "ghost refuses ghost.json: it has a flaw" })
	b.runs(1)
	assert.EqualValues(t, 1, b.onDisk(), "a child that starts now loads the last good one")
	b.child()
	b.runs(1)
	b.routing(3)
	b.runs(3)
	b.eventually("all is well again", func(r adminapi.Routing) bool { return r.Error == "" && r.Sequence == 3 })
}

func TestARefusedConfigurationThatANewChildMetGivesWay(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	b.child()
	b.routing(1)
	b.runs(1)
	b.eventually("status tells of it", func(r adminapi.Routing) bool { return r.Sequence == 1 })
	// varnishd is away while a flawed configuration comes; its new child finds that one on the disk.
	b.controller.Down()
	b.ghost.set(func(g *fakeGhost) { g.refuse[2] = true })
	b.routing(2)
	varnishtest.Eventually(t, "the candidate is on the disk", func() bool { return b.onDisk() == 2 })
	b.child()
	b.runs(1)
	assert.EqualValues(t, 1, b.onDisk())
}

func TestBrokenRoutingLeavesTheLastGoodOne(t *testing.T) {
	tests := map[string]struct {
		routing, problem string
		// pending says that it is not refused: it only has to become complete.
		pending bool
	}{
		"what cannot be parsed":     {`{"version":`, "cannot parse routing.json", false},
		"another major version":     {`{"version":"2.0.0","sequence":9}`, "version 2.0.0", false},
		"shards that are not there": {`{"version":"1.0.0","sequence":9,"gateway":{"namespace":"a","name":"b"},"listeners":[],"shards":[{"name":"00","digest":"x"}]}`, "missing 00", true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, t.TempDir())
			b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
			b.child()
			b.routing(1)
			b.runs(1)
			b.inputs.Take(source.Update{Config: &source.Config{Routing: []byte(test.routing)}})
			varnishtest.Eventually(t, "the reason is told", func() bool {
				r := b.board.Get().Routing
				return strings.Contains(r.Error, test.problem) && r.Pending == "" || test.pending && strings.Contains(r.Pending, test.problem) && r.Error == ""
			})
			b.slice("10.0.0.9")
			b.runs(1, "10.0.0.9")
		})
	}
}

func TestAnEarlierRunsConfigurationServesUntilThereIsABetterOne(t *testing.T) {
	dir := t.TempDir()
	first := newBench(t, dir)
	first.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	first.slice("10.0.0.1")
	first.child()
	first.routing(1)
	first.runs(1, "10.0.0.1")
	first.eventually("it is kept", func(r adminapi.Routing) bool { return r.Sequence == 1 })

	second := newBench(t, dir)
	second.child()
	second.runs(1, "10.0.0.1")
	second.eventually("status tells of it", func(r adminapi.Routing) bool { return r.Sequence == 1 && r.Endpoints == 1 })
	second.routing(2)
	// The API server is away: no endpoints are known, and those of the earlier run are used.
	second.runs(2, "10.0.0.1")
	second.slice("10.0.0.2")
	second.inputs.Take(source.Update{Synced: []string{"shop"}})
	second.runs(2, "10.0.0.2")
}

func TestRoutingWaitsForEndpointsOfANewNamespace(t *testing.T) {
	b := newBenchHolding(t, t.TempDir(), 0, time.Hour, nil)
	b.child()
	b.routing(1)
	<-b.followed
	b.slice("10.0.0.1")
	b.inputs.Take(source.Update{Synced: []string{"shop"}})
	b.runs(1, "10.0.0.1")
	assert.Equal(t, 1, b.ghost.asked, "no configuration without endpoints came before")
}

func TestANamespaceThatIsAwaitedHoldsNoOtherBack(t *testing.T) {
	b := newBenchHolding(t, t.TempDir(), time.Hour, time.Hour, nil)
	b.child()
	b.inputs.Take(source.Update{Synced: []string{"shop"}})
	b.slice("10.0.0.1")
	b.routing(1)
	b.runs(1, "10.0.0.1")
	b.routing(2, "slow")
	b.eventually("what it waits for is told", func(r adminapi.Routing) bool {
		return r.Pending == "routing.json (sequence 2) waits for the endpoints of namespace slow" && r.Error == ""
	})
	b.slice("10.0.0.2")
	b.runs(1, "10.0.0.2")
	b.routing(3, "other", "slow")
	b.eventually("newer routing waits too", func(r adminapi.Routing) bool {
		return r.Pending == "routing.json (sequence 3) waits for the endpoints of namespace other, slow"
	})
	b.slice("10.0.0.3")
	b.runs(1, "10.0.0.3")
	b.inputs.Take(source.Update{Synced: []string{"slow"}})
	b.sliceIn("other", "10.1.0.1")
	b.inputs.Take(source.Update{Synced: []string{"other"}})
	b.runs(3, "10.1.0.1", "10.0.0.3")
	b.eventually("nothing is pending", func(r adminapi.Routing) bool { return r.Pending == "" && r.Sequence == 3 })
}

func TestOneNewNamespaceAfterTheOtherDoesNotHoldRoutingForEver(t *testing.T) {
	b := newBenchHolding(t, t.TempDir(), 20*time.Millisecond, 20*time.Millisecond, nil)
	b.child()
	b.inputs.Take(source.Update{Synced: []string{"shop"}})
	b.routing(1)
	b.runs(1)
	sequence := int64(1)
	varnishtest.Eventually(t, "newer routing takes effect while namespaces keep coming", func() bool {
		sequence++
		b.routing(sequence, fmt.Sprintf("new-%d", sequence))
		return b.ghost.running().RoutingSequence > 1
	})
}

func TestRoutingDoesNotWaitForWhatIsForbidden(t *testing.T) {
	b := newBenchHolding(t, t.TempDir(), 0, time.Hour, nil)
	b.child()
	b.routing(1)
	<-b.followed
	b.inputs.Take(source.Update{Denied: []string{"shop"}})
	b.runs(1)
}

func TestRoutingWaitsLongerWhereNothingRuns(t *testing.T) {
	dir := t.TempDir()
	first := newBench(t, dir)
	first.inputs.Take(source.Update{Synced: []string{"shop"}})
	first.child()
	first.routing(1)
	first.eventually("it is kept", func(r adminapi.Routing) bool { return r.Sequence == 1 })
	second := newBenchHolding(t, dir, 0, time.Hour, nil)
	second.child()
	second.routing(2)
	second.runs(2)
}

// restarted is a bench that begins with routing 5 and one endpoint of an earlier run.
func restarted(t *testing.T) *bench {
	dir := t.TempDir()
	first := newBench(t, dir)
	first.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	first.slice("10.0.0.1")
	first.child()
	first.routing(5)
	first.eventually("it is kept", func(r adminapi.Routing) bool { return r.Sequence == 5 && r.Endpoints == 1 })
	b := newBench(t, dir)
	b.child()
	b.runs(5, "10.0.0.1")
	return b
}

func TestAnEarlierRunsConfigurationIsWholeWithoutANewOne(t *testing.T) {
	b := restarted(t)
	b.inputs.Take(source.Update{Config: &source.Config{Routing: []byte(`{"version":`)}})
	b.inputs.Take(source.Update{Pairs: source.Pairs{"web": {}}})
	assert.Equal(t, []string{"shop"}, <-b.followed, "endpoints are looked for")
	varnishtest.Eventually(t, "TLS is terminated", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.terminated == "1 [web]"
	})
	b.slice("10.0.0.2")
	b.inputs.Take(source.Update{Synced: []string{"shop"}})
	b.runs(5, "10.0.0.2")
}

func TestAMountThatLagsDoesNotTakeTheGatewayBack(t *testing.T) {
	b := restarted(t)
	b.inputs.Take(source.Update{Config: &source.Config{Routing: routingOf(t, 4), MayLag: true}})
	b.eventually("it is told", func(r adminapi.Routing) bool {
		return r.Pending == "the mounted routing.json (sequence 4) is older than the last good one (sequence 5)" && r.Error == ""
	})
	b.runs(5, "10.0.0.1")
	b.inputs.Take(source.Update{Config: &source.Config{Routing: routingOf(t, 6), MayLag: true}})
	b.runs(6, "10.0.0.1")
}

func TestAConfigMapThatWasMadeAnewCountsFromOne(t *testing.T) {
	b := restarted(t)
	b.inputs.Take(source.Update{Config: &source.Config{Routing: routingOf(t, 1)}})
	b.runs(1, "10.0.0.1")
}

func TestAnAbsentMainVCLIsToldOnceThereIsSomethingToRoute(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.inputs.Take(source.Update{Config: &source.Config{}})
	b.eventually("nothing is there", func(r adminapi.Routing) bool { return r.Pending == "there is no routing.json" })
	b.set(func() { assert.Empty(t, b.mains) })
	b.routing(1)
	varnishtest.Eventually(t, "it is told", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return len(b.mains) == 1 && b.mains[0] == nil
	})
}

// fullDisk is a Store that cannot write a few times.
type fullDisk struct {
	*Disk
	failures int
}

func (f *fullDisk) Try(candidate []byte) error {
	if f.failures > 0 {
		f.failures--
		return errors.New("no space left on device")
	}
	return f.Disk.Try(candidate)
}

func TestWhatCannotBeWrittenIsWrittenLater(t *testing.T) {
	b := newBenchHolding(t, t.TempDir(), 0, 0, func(d *Disk) Store { return &fullDisk{d, 3} })
	b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	b.child()
	b.routing(1)
	b.runs(1)
	b.eventually("all is well", func(r adminapi.Routing) bool { return r.Pending == "" && r.Sequence == 1 })
}

func TestALastGoodConfigurationThatGhostRefusesIsNotMetAgain(t *testing.T) {
	b := restarted(t)
	b.eventually("it is in effect", func(r adminapi.Routing) bool { return r.Sequence == 5 })
	b.controller.Down()
	b.ghost.set(func(g *fakeGhost) { g.refuse[5] = true })
	b.child()
	b.eventually("the refusal is told", func(r adminapi.Routing) bool { return r.Error != "" && r.Sequence == 0 })
	assert.False(t, b.tasks.Ready(), "nothing is routed")
	varnishtest.Eventually(t, "no child starts from it", func() bool {
		_, err := os.Stat(b.ghost.disk.current)
		return errors.Is(err, fs.ErrNotExist)
	})
	b.ghost.set(func(g *fakeGhost) { g.refuse = map[int64]bool{} })
	b.routing(6)
	b.runs(6, "10.0.0.1")
	b.eventually("all is well again", func(r adminapi.Routing) bool { return r.Error == "" && r.Sequence == 6 })
}

func TestWithoutVarnishdNothingRuns(t *testing.T) {
	b := restarted(t)
	b.eventually("it is in effect", func(r adminapi.Routing) bool { return r.Sequence == 5 })
	b.controller.Down()
	b.eventually("nothing runs", func(r adminapi.Routing) bool { return r.Sequence == 0 && r.GhostSequence == 0 && r.Endpoints == 0 })
	b.child()
	b.eventually("it runs again", func(r adminapi.Routing) bool { return r.Sequence == 5 && r.Endpoints == 1 })
}

func TestChaperonesOwnDiagnosticsAreTold(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	b.child()
	data, err := routing.Encode(routing.Config{
		Sequence: 1, Gateway: routing.Gateway{Namespace: "shop", Name: "edge"},
		Listeners: []routing.Listener{{Name: "web", Socket: "http-81", Port: 80, Protocol: routing.ProtocolHTTP}},
	})
	require.NoError(t, err)
	b.inputs.Take(source.Update{Config: &source.Config{Routing: data}})
	b.eventually("they are told", func(r adminapi.Routing) bool {
		return len(r.Diagnostics) == 1 && r.Diagnostics[0].Path == "listeners[0].socket"
	})
}

func TestADiagnosticOfBothIsGhosts(t *testing.T) {
	document, err := decode(source.Config{Routing: []byte(`{"version":"1.0.0","sequence":1,"gateway":{"namespace":"","name":"b"},"listeners":[]}`)})
	require.NoError(t, err)
	result := ghostconf.ReloadResult{Diagnostics: []ghostconf.Diagnostic{{Path: "gateway.namespace", Message: "ghost's"}, {Path: "routes[0].uid"}}}
	assert.Equal(t, result.Diagnostics, diagnostics(result, document))
}

func TestServicesThatAreNotRoutedToAreForgotten(t *testing.T) {
	c := New(Config{Inputs: NewInputs(), Clock: clock.RealClock{}, Log: zaptest.NewLogger(t), Follow: func([]string) {}})
	c.known = map[string][]ghostconf.Endpoint{"shop/web:80": nil, "shop/old:80": nil}
	c.takeRouting(source.Config{Routing: routingOf(t, 1)})
	require.Zero(t, c.adopt())
	assert.Equal(t, []string{"shop/web:80"}, slices.Collect(maps.Keys(c.known)))
}
