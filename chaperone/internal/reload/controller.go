package reload

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/merge"
	"github.com/varnish-gateway/gateway/chaperone/internal/ready"
	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/tlsterm"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Outcome of a reload, as it is counted.
type Outcome string

// Outcomes of a reload.
const (
	// Accepted: ghost took ghost.json.
	Accepted Outcome = "accepted"
	// Refused: ghost refused the whole of it, and the last good one stays.
	Refused Outcome = "refused"
	// Unreachable: ghost could not be asked; it will be again.
	Unreachable Outcome = "unreachable"
)

// Outcomes lists every Outcome.
var Outcomes = []Outcome{Accepted, Refused, Unreachable}

// Ghost reloads ghost.json.
type Ghost interface {
	Reload(ctx context.Context) (result ghostconf.ReloadResult, accepted bool, err error)
}

// Store is where ghost reads ghost.json.
type Store interface {
	Try(candidate []byte) error
	Keep(candidate []byte) error
	Restore() ([]byte, error)
}

// Config is what a Controller needs of the world.
type Config struct {
	Inputs *Inputs
	Ghost  Ghost
	Store  Store
	// Live is the last good ghost.json of an earlier run; nil where there is none.
	Live []byte
	// WantVCL is told of main.vcl.
	WantVCL func(main []byte)
	// Follow is told of the namespaces that are routed to.
	Follow func(namespaces []string)
	// UpdateTLS is told of listeners and certificates, and gives what is wrong with them.
	UpdateTLS func([]routing.Listener, map[string]tlsterm.Pair) []status.Problem
	// Reloaded is told of each reload, for counting.
	Reloaded  func(outcome Outcome, took time.Duration)
	Board     *status.Board
	Tasks     *ready.Tasks
	Clock     clock.Clock
	Log       *zap.Logger
	Coalescer Coalescer
	// RetryAfter is how long to wait after a reload for which ghost could not be asked.
	RetryAfter time.Duration
	// HoldFor is how long new routing may wait for endpoints of namespaces that are new to it.
	HoldFor time.Duration
}

// DefaultCoalescer keeps a lone change quick and a rollout's stream of changes cheap.
func DefaultCoalescer() Coalescer {
	return Coalescer{Quiet: 20 * time.Millisecond, Longest: 200 * time.Millisecond}
}

// Controller applies what Inputs gather. Run does the work; the other methods are safe for concurrent use
// and do not block.
type Controller struct {
	config Config
	// child wakes Run when varnishd's child has started.
	child chan struct{}
	// serving says that there is a child that can be asked to reload.
	serving atomic.Bool

	document *merge.Document
	pairs    source.Pairs
	// reports of the source, by place.
	reports map[string]string
	// namespaces that were told to Follow; holdUntil is how long new ones may hold routing up.
	namespaces []string
	holdUntil  time.Time
	// known are the endpoints that each service had last, for namespaces that cannot be looked into.
	known map[string][]ghostconf.Endpoint
	// live is what ghost accepted last; candidate what it has yet to be asked about, nil where nothing is.
	live      *merge.Ghost
	candidate *merge.Ghost
	// refused is what ghost refused last: it is not asked about the same again.
	refused []byte
	// decodeError says why routing.json is not what document was made of, refusal why candidate is not live.
	decodeError, refusal string
}

// New makes a Controller.
func New(config Config) *Controller {
	c := &Controller{config: config, child: make(chan struct{}, 1), known: map[string][]ghostconf.Endpoint{}}
	if config.Live != nil {
		c.restore(config.Live)
	}
	return c
}

// restore makes the last good ghost.json of an earlier run the candidate: ghost has it from the disk.
func (c *Controller) restore(data []byte) {
	config, err := ghostconf.Decode(data)
	if err != nil {
		c.config.Log.Warn("the last good configuration of an earlier run is of no use", zap.Error(err))
		return
	}
	ghost := &merge.Ghost{
		Data: data, Sequence: config.Sequence, RoutingSequence: config.RoutingSequence,
		Routes: len(config.Routes), Services: len(config.Services),
	}
	for _, service := range config.Services {
		ghost.Endpoints += len(service.Endpoints)
		c.known[service.ID] = service.Endpoints
	}
	c.live, c.candidate = ghost, ghost
}

// ChildStarted says that varnishd has a new child. ghost loads ghost.json by itself then; it is asked all
// the same, so that what it says is known.
func (c *Controller) ChildStarted() {
	c.serving.Store(true)
	select {
	case c.child <- struct{}{}:
	default:
	}
}

// Down says that varnishd has ended.
func (c *Controller) Down() { c.serving.Store(false) }

// Run applies changes until ctx ends.
func (c *Controller) Run(ctx context.Context) {
	var retry, hold <-chan time.Time
	for {
		var due <-chan time.Time
		if wait, pending := c.config.Coalescer.Wait(c.config.Clock.Now()); pending && wait > 0 {
			due = c.config.Clock.After(wait)
		} else if pending {
			hold = c.gather()
			c.config.Coalescer.Applied(c.config.Clock.Now())
			retry = c.reload(ctx)
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-c.config.Inputs.changed:
			c.config.Coalescer.Note(c.config.Clock.Now())
		case <-due:
		case <-hold:
			hold = nil
			c.config.Coalescer.Note(c.config.Clock.Now())
		case <-c.child:
			c.ask()
			retry = c.reload(ctx)
		case <-retry:
			retry = c.reload(ctx)
		}
	}
}

// gather takes what has changed and decides what ghost is to run. It gives when to gather again, where new
// namespaces hold it up.
func (c *Controller) gather() (again <-chan time.Time) {
	t := c.config.Inputs.take()
	if t.config != nil {
		if t.config.Main != nil {
			c.config.WantVCL(t.config.Main)
		}
		c.takeRouting(*t.config)
	}
	if t.pairs != nil {
		c.pairs = *t.pairs
	}
	if c.document != nil {
		if t.config != nil || t.pairs != nil {
			c.updateTLS()
		}
		if wait := c.held(); wait > 0 {
			again = c.config.Clock.After(wait)
		} else {
			c.merge()
		}
	}
	c.reports = t.reports
	c.tell()
	return again
}

// takeRouting decodes routing.json. One that cannot be used leaves the document that there is.
func (c *Controller) takeRouting(config source.Config) {
	if config.Routing == nil {
		c.decodeError = "there is no routing.json"
		return
	}
	document, err := decode(config)
	if err != nil {
		c.decodeError = err.Error()
		c.config.Log.Error("routing.json is not in effect", zap.Error(err))
		return
	}
	c.decodeError = ""
	c.document = document
	c.follow()
}

func decode(config source.Config) (*merge.Document, error) {
	head, err := routing.Decode(config.Routing)
	if err != nil {
		return nil, err
	}
	whole, err := routing.Join(head, config.Shards)
	if err != nil {
		return nil, err
	}
	return merge.Prepare(whole)
}

// follow tells the source whose endpoints are wanted.
func (c *Controller) follow() {
	set := map[string]struct{}{}
	for _, service := range c.document.Services() {
		set[service.Namespace] = struct{}{}
	}
	namespaces := slices.Sorted(maps.Keys(set))
	if !slices.Equal(namespaces, c.namespaces) {
		c.namespaces = namespaces
		c.holdUntil = c.config.Clock.Now().Add(c.config.HoldFor)
		c.config.Follow(namespaces)
	}
}

// held is how long new routing still waits for the endpoints of namespaces that were not routed to before:
// without them its services would seem to have none, and a route that moves there would answer 503.
func (c *Controller) held() time.Duration {
	for _, namespace := range c.namespaces {
		if !c.config.Inputs.isSynced(namespace) {
			return c.holdUntil.Sub(c.config.Clock.Now())
		}
	}
	return 0
}

// endpointsOf are the endpoints of a service now or, where its namespace cannot be looked into, those that
// were last known.
func (c *Controller) endpointsOf(service routing.Service) []ghostconf.Endpoint {
	if !c.config.Inputs.isSynced(service.Namespace) {
		return c.known[service.ID]
	}
	found := c.config.Inputs.endpointsOf(service)
	c.known[service.ID] = found
	return found
}

func (c *Controller) updateTLS() {
	problems := c.config.UpdateTLS(c.document.Listeners(), c.pairs)
	c.config.Board.Update(func(s *status.Status) { s.Certificates.Problems = problems })
}

// tell puts what is wrong with the inputs on the board.
func (c *Controller) tell() {
	var certificates, others []string
	for _, place := range slices.Sorted(maps.Keys(c.reports)) {
		line := place + ": " + c.reports[place]
		if place == source.PlaceCertificates {
			certificates = append(certificates, line)
		} else {
			others = append(others, line)
		}
	}
	reasons := slices.DeleteFunc(append([]string{c.decodeError, c.refusal}, others...), func(s string) bool { return s == "" })
	c.config.Board.Update(func(s *status.Status) {
		s.Routing.Error = strings.Join(reasons, "\n")
		s.Certificates.Error = strings.Join(certificates, "\n")
	})
}
