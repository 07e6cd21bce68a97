package reload

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap/zaptest"
	discoveryv1 "k8s.io/api/discovery/v1"
	"k8s.io/utils/clock"
	"k8s.io/utils/ptr"

	"github.com/varnish-gateway/gateway/chaperone/internal/ready"
	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/tlsterm"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// fakeGhost reads ghost.json from the disk as the real one does, and refuses routing sequences that the
// test names.
type fakeGhost struct {
	disk *Disk
	mu   sync.Mutex
	// refuse are routing sequences, away says that it cannot be asked.
	refuse map[int64]bool
	away   bool
	runs   ghostconf.Config
	asked  int
	// slow, where it is not nil, holds the answer up until it is closed.
	slow chan struct{}
}

func (g *fakeGhost) Reload(context.Context) (ghostconf.ReloadResult, bool, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked++
	if slow := g.slow; slow != nil {
		g.mu.Unlock()
		<-slow
		g.mu.Lock()
	}
	if g.away {
		return ghostconf.ReloadResult{}, false, errors.New("connection refused")
	}
	config, err := g.read()
	if err != nil || g.refuse[config.RoutingSequence] {
		return ghostconf.ReloadResult{Sequence: g.runs.Sequence, Error: "it has a flaw"}, false, nil
	}
	g.runs = config
	return ghostconf.ReloadResult{Sequence: config.Sequence}, true, nil
}

func (g *fakeGhost) read() (ghostconf.Config, error) {
	data, err := os.ReadFile(g.disk.current)
	if err != nil {
		return ghostconf.Config{}, err
	}
	return ghostconf.Decode(data)
}

// restart is what a new child does: it begins with nothing, and loads what is on the disk.
func (g *fakeGhost) restart() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.runs = ghostconf.Config{}
	if config, err := g.read(); err == nil && !g.refuse[config.RoutingSequence] {
		g.runs = config
	}
}

func (g *fakeGhost) set(change func(*fakeGhost)) {
	g.mu.Lock()
	defer g.mu.Unlock()
	change(g)
}

func (g *fakeGhost) running() ghostconf.Config {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.runs
}

// bench is a Controller with a fake ghost.
type bench struct {
	t          *testing.T
	dir        string
	inputs     *Inputs
	ghost      *fakeGhost
	board      *status.Board
	tasks      *ready.Tasks
	controller *Controller
	followed   chan []string
	// store is the disk, or what a test puts before it.
	store Store

	mu sync.Mutex
	// mains were told to WantVCL, terminated are the listeners and names of pairs that UpdateTLS was told last.
	mains      [][]byte
	terminated string
}

func (b *bench) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

func newBench(t *testing.T, dir string) *bench {
	return newBenchHolding(t, dir, 50*time.Millisecond, 50*time.Millisecond, nil)
}

// newBenchHolding is newBench with other times that routing, and the first routing, wait for endpoints; and with
// another store where store is not nil.
func newBenchHolding(t *testing.T, dir string, holdFor, holdFirstFor time.Duration, store func(*Disk) Store) *bench {
	disk, good, err := OpenDisk(dir, dir)
	require.NoError(t, err)
	b := &bench{
		t: t, dir: dir, inputs: NewInputs(), ghost: &fakeGhost{disk: disk, refuse: map[int64]bool{}},
		board: status.NewBoard(adminapi.Status{}), tasks: ready.New(nil, ready.RoutingAccepted), followed: make(chan []string, 16),
	}
	b.store = disk
	if store != nil {
		b.store = store(disk)
	}
	b.controller = New(Config{
		Inputs: b.inputs, Ghost: b.ghost, Store: b.store, Good: good,
		WantVCL: func(main []byte) { b.set(func() { b.mains = append(b.mains, main) }) },
		Follow:  func(namespaces []string) { b.followed <- namespaces },
		UpdateTLS: func(listeners []routing.Listener, pairs map[string]tlsterm.Pair) []adminapi.Problem {
			b.set(func() { b.terminated = fmt.Sprint(len(listeners), slices.Sorted(maps.Keys(pairs))) })
			return nil
		},
		Reloaded: func(Outcome, time.Duration) {}, Board: b.board, Tasks: b.tasks, Clock: clock.RealClock{},
		Log: zaptest.NewLogger(t), Coalescer: Coalescer{Quiet: time.Millisecond, Longest: 5 * time.Millisecond},
		RetryAfter: 5 * time.Millisecond, SlowAfter: time.Hour, HoldFor: holdFor, HoldFirstFor: holdFirstFor,
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); b.controller.Run(ctx) }()
	t.Cleanup(func() { cancel(); <-ended })
	return b
}

func (b *bench) routing(sequence int64, others ...string) {
	b.t.Helper()
	b.inputs.SetConfig(source.Config{Routing: routingOf(b.t, sequence, others...)})
}

// routingOf has a service in the namespace shop, and one in each of the others.
func routingOf(t *testing.T, sequence int64, others ...string) []byte {
	t.Helper()
	config := routing.Config{
		Sequence: sequence, Gateway: routing.Gateway{Namespace: "shop", Name: "edge"},
		Listeners: []routing.Listener{{Name: "web", Socket: "https-443", Port: 443, Protocol: routing.ProtocolHTTPS, Certificates: []string{"web"}}},
	}
	for _, namespace := range append([]string{"shop"}, others...) {
		config.Services = append(config.Services,
			routing.Service{ID: namespace + "/web:80", Namespace: namespace, Name: "web", Port: 80, PortName: "http"})
	}
	data, err := routing.Encode(config)
	require.NoError(t, err)
	return data
}

func (b *bench) slice(address string) { b.sliceIn("shop", address) }

func (b *bench) sliceIn(namespace, address string) {
	slice := &discoveryv1.EndpointSlice{AddressType: discoveryv1.AddressTypeIPv4}
	slice.Namespace, slice.Name = namespace, "web-1"
	slice.Labels = map[string]string{discoveryv1.LabelServiceName: "web"}
	slice.Ports = []discoveryv1.EndpointPort{{Name: ptr.To("http"), Port: ptr.To[int32](8080)}}
	slice.Endpoints = []discoveryv1.Endpoint{{Addresses: []string{address}}}
	b.inputs.SetSlice(slice)
}

// child starts a child of varnishd, and waits until Run has noticed: otherwise Run may ask ghost once for what
// comes next, and once more for the child.
func (b *bench) child() {
	b.t.Helper()
	b.ghost.restart()
	b.controller.ChildStarted()
	varnishtest.Eventually(b.t, "the child is noticed", func() bool { return len(b.controller.life) == 0 })
}

func (b *bench) runs(routingSequence int64, addresses ...string) {
	b.t.Helper()
	varnishtest.Eventually(b.t, fmt.Sprintf("ghost runs routing %d with %v", routingSequence, addresses), func() bool {
		config := b.ghost.running()
		var got []string
		for _, service := range config.Services {
			for _, endpoint := range service.Endpoints {
				got = append(got, endpoint.Address)
			}
		}
		return config.RoutingSequence == routingSequence && fmt.Sprint(got) == fmt.Sprint(addresses)
	})
}

func (b *bench) eventually(what string, condition func(adminapi.Routing) bool) {
	b.t.Helper()
	varnishtest.Eventually(b.t, what, func() bool { return condition(b.board.Get().Routing) })
}

func (b *bench) onDisk() int64 {
	config, err := b.ghost.read()
	require.NoError(b.t, err)
	return config.RoutingSequence
}

func TestRoutingAndEndpointsReachGhost(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.inputs.SetSynced(source.EveryNamespace)
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
	b.inputs.SetSynced(source.EveryNamespace)
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
	b.inputs.SetSynced(source.EveryNamespace)
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
			b.inputs.SetSynced(source.EveryNamespace)
			b.child()
			b.routing(1)
			b.runs(1)
			b.inputs.SetConfig(source.Config{Routing: []byte(test.routing)})
			varnishtest.Eventually(t, "the reason is told", func() bool {
				r := b.board.Get().Routing
				return strings.Contains(r.Error, test.problem) && r.Pending == "" || test.pending && strings.Contains(r.Pending, test.problem) && r.Error == ""
			})
			b.slice("10.0.0.9")
			b.runs(1, "10.0.0.9")
		})
	}
}

func TestAGhostThatIsAwayIsAskedAgain(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.inputs.SetSynced(source.EveryNamespace)
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
	b.inputs.SetSynced(source.EveryNamespace)
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

func TestAnEarlierRunsConfigurationServesUntilThereIsABetterOne(t *testing.T) {
	dir := t.TempDir()
	first := newBench(t, dir)
	first.inputs.SetSynced(source.EveryNamespace)
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
	second.inputs.SetSynced("shop")
	second.runs(2, "10.0.0.2")
}

func TestRoutingWaitsForEndpointsOfANewNamespace(t *testing.T) {
	b := newBenchHolding(t, t.TempDir(), 0, time.Hour, nil)
	b.child()
	b.routing(1)
	<-b.followed
	b.slice("10.0.0.1")
	b.inputs.SetSynced("shop")
	b.runs(1, "10.0.0.1")
	assert.Equal(t, 1, b.ghost.asked, "no configuration without endpoints came before")
}

func TestANamespaceThatIsAwaitedHoldsNoOtherBack(t *testing.T) {
	b := newBenchHolding(t, t.TempDir(), time.Hour, time.Hour, nil)
	b.child()
	b.inputs.SetSynced("shop")
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
	b.inputs.SetSynced("slow")
	b.sliceIn("other", "10.1.0.1")
	b.inputs.SetSynced("other")
	b.runs(3, "10.1.0.1", "10.0.0.3")
	b.eventually("nothing is pending", func(r adminapi.Routing) bool { return r.Pending == "" && r.Sequence == 3 })
}

func TestOneNewNamespaceAfterTheOtherDoesNotHoldRoutingForEver(t *testing.T) {
	b := newBenchHolding(t, t.TempDir(), 20*time.Millisecond, 20*time.Millisecond, nil)
	b.child()
	b.inputs.SetSynced("shop")
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
	b.inputs.SetDenied("shop")
	b.runs(1)
}

func TestRoutingWaitsLongerWhereNothingRuns(t *testing.T) {
	dir := t.TempDir()
	first := newBench(t, dir)
	first.inputs.SetSynced("shop")
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
	first.inputs.SetSynced(source.EveryNamespace)
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
	b.inputs.SetConfig(source.Config{Routing: []byte(`{"version":`)})
	b.inputs.SetPairs(source.Pairs{"web": {}})
	assert.Equal(t, []string{"shop"}, <-b.followed, "endpoints are looked for")
	varnishtest.Eventually(t, "TLS is terminated", func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.terminated == "1 [web]"
	})
	b.slice("10.0.0.2")
	b.inputs.SetSynced("shop")
	b.runs(5, "10.0.0.2")
}

func TestAMountThatLagsDoesNotTakeTheGatewayBack(t *testing.T) {
	b := restarted(t)
	b.inputs.SetConfig(source.Config{Routing: routingOf(t, 4), MayLag: true})
	b.eventually("it is told", func(r adminapi.Routing) bool {
		return r.Pending == "the mounted routing.json (sequence 4) is older than the last good one (sequence 5)" && r.Error == ""
	})
	b.runs(5, "10.0.0.1")
	b.inputs.SetConfig(source.Config{Routing: routingOf(t, 6), MayLag: true})
	b.runs(6, "10.0.0.1")
}

func TestAConfigMapThatWasMadeAnewCountsFromOne(t *testing.T) {
	b := restarted(t)
	b.inputs.SetConfig(source.Config{Routing: routingOf(t, 1)})
	b.runs(1, "10.0.0.1")
}

func TestAnAbsentMainVCLIsToldOnceThereIsSomethingToRoute(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.inputs.SetConfig(source.Config{})
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
	b.inputs.SetSynced(source.EveryNamespace)
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
	b.inputs.SetSynced(source.EveryNamespace)
	b.child()
	data, err := routing.Encode(routing.Config{
		Sequence: 1, Gateway: routing.Gateway{Namespace: "shop", Name: "edge"},
		Listeners: []routing.Listener{{Name: "web", Socket: "http-81", Port: 80, Protocol: routing.ProtocolHTTP}},
	})
	require.NoError(t, err)
	b.inputs.SetConfig(source.Config{Routing: data})
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
