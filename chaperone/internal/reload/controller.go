package reload

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/merge"
	"github.com/varnish-gateway/gateway/chaperone/internal/ready"
	"github.com/varnish-gateway/gateway/chaperone/internal/retry"
	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/tlsterm"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/contract"
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
	Keep(good Good) error
	Restore() error
	Forget() error
}

// Config is what a Controller needs of the world.
type Config struct {
	Inputs *Inputs
	Ghost  Ghost
	Store  Store
	// Good is the last good configuration of an earlier run.
	Good Good
	// WantVCL is told of main.vcl; nil where there is none.
	WantVCL func(main []byte)
	// Follow is told of the namespaces that are routed to.
	Follow func(namespaces []string)
	// UpdateTLS is told of listeners and certificates, and gives what is wrong with them.
	UpdateTLS func([]routing.Listener, map[string]tlsterm.Pair) []adminapi.Problem
	// Reloaded is told of each reload, for counting.
	Reloaded  func(outcome Outcome, took time.Duration)
	Board     *status.Board
	Tasks     *ready.Tasks
	Clock     clock.WithDelayedExecution
	Log       *zap.Logger
	Coalescer Coalescer
	// RetryAfter is how long to wait when ghost could not be asked, or ghost.json not be written; ever longer where ghost cannot be
	// asked again and again, up to maxRetries times that.
	RetryAfter time.Duration
	// SlowAfter is how long ghost may take for a reload until that is told.
	SlowAfter time.Duration
	// HoldFor is how long new routing may wait for endpoints of a namespace that is new to it, HoldFirstFor how long
	// the first may, before which there is nothing to serve.
	HoldFor, HoldFirstFor time.Duration
}

// DefaultCoalescer keeps a lone change quick and a rollout's stream of changes cheap.
func DefaultCoalescer() Coalescer {
	return Coalescer{Quiet: 20 * time.Millisecond, Longest: 200 * time.Millisecond}
}

// Controller applies what Inputs gather. Run does the work; the other methods are safe for concurrent use
// and do not block.
type Controller struct {
	config Config
	// life wakes Run when varnishd's child has started, or varnishd has ended.
	life chan struct{}
	// serving says that there is a child that can be asked to reload.
	serving atomic.Bool

	// document is what routes; next is newer, and waits for endpoints since nextSince. nil where there is none.
	document, next *merge.Document
	nextSince      time.Time
	// waiting says what next waits for.
	waiting string
	// head is the routing.json that was whole last.
	head []byte
	// restored is the sequence of the routing.json of an earlier run, until there is one of this run.
	restored int64
	pairs    source.Pairs
	// reports of the source, by place.
	reports map[string]string
	// followed are the namespaces that were told to Follow, and since when.
	followed map[string]time.Time
	// known are the endpoints that each service had last, for namespaces that cannot be looked into.
	known map[string][]ghostconf.Endpoint
	// live is what ghost accepted last; candidate what it has yet to be asked about, nil where nothing is.
	live      *merge.Ghost
	candidate *merge.Ghost
	// kept is the document that was kept on disk.
	kept *merge.Document
	// refused is what ghost refused last: it is not asked about the same again.
	refused []byte
	// asked is where ghost's answer comes; nil where it was not asked. While it is, what ghost reads stays as it is:
	// what comes meanwhile is merged with the answer, all at once.
	asked chan answer
	// unmerged says that something came while ghost was asked, otherChild that varnishd's child is another one since.
	unmerged, otherChild bool
	// slowAt is when ghost has taken long for an answer, slow what is told of it then.
	slowAt <-chan time.Time
	slow   string
	// retryAt is when ghost is asked again.
	retryAt <-chan time.Time
	// retries is how long to wait before ghost is asked again.
	retries retry.Backoff
	// unwritten says that the candidate could not be written, and is to be made again.
	unwritten bool
	// routing is why routing.json is not what document was made of, ghost why candidate is not live.
	routing, ghost obstacle
}

// obstacle is why something newer is not in effect; at most one of the two is there.
type obstacle struct {
	// refused says what is wrong with it, pending what it waits for.
	refused, pending string
}

// maxRetries bounds how long it may take until ghost is asked again, in times of RetryAfter.
const maxRetries = 30

// New makes a Controller.
func New(config Config) *Controller {
	c := &Controller{config: config, retries: newRetries(config), life: make(chan struct{}, 1), known: map[string][]ghostconf.Endpoint{}}
	c.restore(config.Good)
	return c
}

func newRetries(config Config) retry.Backoff {
	return retry.Backoff{First: config.RetryAfter, Longest: maxRetries * config.RetryAfter, Steady: math.MaxInt64}
}

// ChildStarted says that varnishd has a new child. ghost loads ghost.json by itself then; it is asked all
// the same, so that what it says is known.
func (c *Controller) ChildStarted() { c.setServing(true) }

// Down says that varnishd has ended.
func (c *Controller) Down() { c.setServing(false) }

func (c *Controller) setServing(serving bool) {
	c.serving.Store(serving)
	select {
	case c.life <- struct{}{}:
	default:
	}
}

// Run applies changes until ctx ends. It takes news also while ghost is asked, which may last for minutes.
func (c *Controller) Run(ctx context.Context) {
	var hold <-chan time.Time
	if c.document != nil {
		c.follow()
	}
	for {
		var due <-chan time.Time
		if wait, pending := c.config.Coalescer.Wait(c.config.Clock.Now()); pending && wait > 0 {
			due = c.config.Clock.After(wait)
		} else if pending {
			hold = c.gather()
			c.config.Coalescer.Applied(c.config.Clock.Now())
			c.reload(ctx)
			continue
		}
		select {
		case <-ctx.Done():
			if c.asked != nil {
				<-c.asked
			}
			return
		case <-c.config.Inputs.changed:
			c.config.Coalescer.Note(c.config.Clock.Now())
		case <-due:
		case <-hold:
			hold = nil
			c.config.Coalescer.Note(c.config.Clock.Now())
		case <-c.life:
			c.childChanged()
			c.reload(ctx)
		case <-c.retryAt:
			c.reload(ctx)
		case a := <-c.asked:
			if ctx.Err() != nil {
				return
			}
			c.answered(a)
			c.reload(ctx)
		case <-c.slowAt:
			c.tellSlow()
		}
	}
}

// childChanged takes notice of another child, or of none.
func (c *Controller) childChanged() {
	c.otherChild = c.asked != nil
	if !c.serving.Load() {
		c.runsNothing()
		return
	}
	c.ask()
}

// gather takes what has changed and decides what ghost is to run. It gives when to gather again, where something
// holds it up.
func (c *Controller) gather() (again <-chan time.Time) {
	t := c.config.Inputs.take()
	if t.config != nil {
		// Where there is nothing to route with, either, all of it may just not be there yet.
		if t.config.Main != nil || t.config.Routing != nil || c.live != nil {
			c.config.WantVCL(t.config.Main)
		}
		c.takeRouting(*t.config)
	}
	if t.pairs != nil {
		c.pairs = *t.pairs
	}
	if t.config != nil || t.pairs != nil {
		c.updateTLS()
	}
	wait := c.adopt()
	switch {
	case c.document == nil:
	case c.asked != nil:
		c.unmerged = true
	default:
		if c.merge(); c.unwritten && (wait == 0 || wait > c.config.RetryAfter) {
			wait = c.config.RetryAfter
		}
	}
	if wait > 0 {
		again = c.config.Clock.After(wait)
	}
	c.reports = t.reports
	c.tell()
	return again
}

// takeRouting decodes routing.json. One that cannot be used leaves the document that there is.
func (c *Controller) takeRouting(config source.Config) {
	if config.Routing == nil {
		c.routing = obstacle{pending: "there is no routing.json"}
		return
	}
	document, err := decode(config)
	var incomplete *routing.IncompleteError
	if errors.As(err, &incomplete) && bytes.Equal(config.Routing, c.head) {
		// Shards are written before the head that names them: there is nothing newer to wait for yet.
		return
	}
	if err != nil {
		c.routing = obstacleOf(err)
		c.config.Log.Error("routing.json is not in effect", zap.Error(err))
		return
	}
	// A ConfigMap that was made anew counts from one: only where nobody knows yet is a lower sequence an older state.
	if config.MayLag && document.Sequence() < c.restored {
		c.routing = obstacle{pending: fmt.Sprintf("the mounted routing.json (sequence %d) is older than the last good one (sequence %d)", document.Sequence(), c.restored)}
		return
	}
	if c.next == nil {
		c.nextSince = c.config.Clock.Now()
	}
	c.routing, c.restored, c.next, c.head = obstacle{}, 0, document, config.Routing
	c.follow()
}

// obstacleOf tells what is wrong from what is not complete yet.
func obstacleOf(err error) obstacle {
	var incomplete *routing.IncompleteError
	if errors.As(err, &incomplete) {
		return obstacle{pending: err.Error()}
	}
	return obstacle{refused: err.Error()}
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
	document, err := merge.Prepare(whole)
	if err != nil {
		return nil, err
	}
	document.Digest = contract.Digest(config.Routing)
	return document, nil
}

// updateTLS tells of the newest listeners: they need no endpoints.
func (c *Controller) updateTLS() {
	newest := c.document
	if c.next != nil {
		newest = c.next
	}
	if newest == nil {
		return
	}
	problems := c.config.UpdateTLS(newest.Listeners(), c.pairs)
	presented := presentedOf(newest.Listeners(), c.pairs, problems)
	c.config.Board.Update(func(s *adminapi.Status) { s.Certificates.Problems, s.Certificates.Presented = problems, presented })
}

// tell puts what is wrong with the inputs on the board.
func (c *Controller) tell() {
	var refused, pending, certificates []string
	for _, o := range []obstacle{c.routing, c.ghost} {
		refused, pending = append(refused, o.refused), append(pending, o.pending)
	}
	pending = append(pending, c.waiting, c.slow)
	for _, place := range slices.Sorted(maps.Keys(c.reports)) {
		line := place + ": " + c.reports[place]
		switch place {
		case source.PlaceCertificates, source.PlaceTicketKeys:
			certificates = append(certificates, line)
		case source.PlaceEndpoints:
			// Manifests that somebody wrote.
			refused = append(refused, line)
		default:
			pending = append(pending, line)
		}
	}
	c.config.Board.Update(func(s *adminapi.Status) {
		s.Routing.Error, s.Routing.Pending, s.Certificates.Error = lines(refused), lines(pending), lines(certificates)
	})
}

// lines joins those that are not empty.
func lines(list []string) string {
	return strings.Join(slices.DeleteFunc(list, func(s string) bool { return s == "" }), "\n")
}
