package reload

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

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

func (g *fakeGhost) askedTimes() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.asked
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
	b.inputs.Take(source.Update{Config: &source.Config{Routing: routingOf(b.t, sequence, others...)}})
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
	b.inputs.Take(source.Update{Slices: []*discoveryv1.EndpointSlice{slice}})
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

// wanted is the main.vcl that WantVCL was told last.
func (b *bench) wanted() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.mains) == 0 {
		return ""
	}
	return string(b.mains[len(b.mains)-1])
}

// eventuallyTerminates waits until UpdateTLS was told so many listeners and these names of pairs.
func (b *bench) eventuallyTerminates(what string) {
	b.t.Helper()
	varnishtest.Eventually(b.t, "TLS has "+what, func() bool {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.terminated == what
	})
}
