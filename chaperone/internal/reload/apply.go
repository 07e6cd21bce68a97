package reload

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/merge"
	"github.com/varnish-gateway/gateway/chaperone/internal/ready"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// merge makes a candidate of document and endpoints, unless ghost runs that already or has refused it.
func (c *Controller) merge() {
	var live []byte
	if c.live != nil {
		live = c.live.Data
	}
	c.unwritten = false
	ghost, err := c.document.Ghost(live, c.endpointsOf)
	if err != nil {
		c.routing = obstacle{refused: err.Error()}
		c.config.Log.Error("routing.json is not in effect", zap.Error(err))
		return
	}
	switch {
	case !ghost.Changed:
		c.claim()
		// Back to what runs: what was to come in between is of no interest any more.
		if c.candidate != nil && c.candidate != c.live || c.ghost.refused != "" {
			c.drop()
		}
	case bytes.Equal(ghost.Data, c.refused), c.candidate != nil && bytes.Equal(ghost.Data, c.candidate.Data):
	default:
		c.propose(&ghost)
	}
}

// claim finds what the live ghost.json was made of: one that an earlier run has left does not say it all, and a routing.json that
// differs only in what ghost.json does not repeat is in effect without ghost.
func (c *Controller) claim() {
	c.live.Digest = c.document.Digest
	c.config.Board.Update(func(s *adminapi.Status) {
		if s.Routing.GhostSequence == c.live.Sequence {
			s.Routing.Digest = c.live.Digest
		}
	})
	if c.live.Document != nil {
		return
	}
	c.live.Document = c.document
	if err := c.keep(c.live); err != nil {
		c.config.Log.Error("the last good configuration could not be kept", zap.Error(err))
	}
}

// propose puts a candidate where ghost reads it.
func (c *Controller) propose(ghost *merge.Ghost) {
	c.refused, c.ghost = nil, obstacle{}
	if err := c.config.Store.Try(ghost.Data); err != nil {
		c.unwritten, c.ghost.pending = true, err.Error()
		c.config.Log.Error("ghost.json could not be written", zap.Error(err))
		return
	}
	c.candidate = ghost
}

// drop puts the live ghost.json back in the place of a candidate.
func (c *Controller) drop() {
	c.refused, c.ghost, c.candidate = nil, obstacle{}, nil
	if err := c.config.Store.Restore(); err != nil {
		c.config.Log.Error("the last good ghost.json could not be put back", zap.Error(err))
	}
	c.ask()
}

// ask makes the live ghost.json the candidate where there is no newer one.
func (c *Controller) ask() {
	if c.candidate == nil {
		c.candidate = c.live
	}
}

// answer is what came of asking ghost to take the candidate.
type answer struct {
	result   ghostconf.ReloadResult
	accepted bool
	err      error
	took     time.Duration
}

// reload asks ghost to take the candidate, unless it is being asked. It does not wait for the answer.
func (c *Controller) reload(ctx context.Context) {
	if c.candidate == nil || !c.serving.Load() || c.asked != nil {
		return
	}
	c.asked, c.retryAt = make(chan answer, 1), nil
	c.slowAt = c.config.Clock.After(c.config.SlowAfter)
	asked, began := c.asked, c.config.Clock.Now()
	go func() {
		result, accepted, err := c.config.Ghost.Reload(ctx)
		asked <- answer{result: result, accepted: accepted, err: err, took: c.config.Clock.Since(began)}
	}()
}

// answered carries out what ghost has answered, and merges what came meanwhile.
func (c *Controller) answered(a answer) {
	c.asked, c.slowAt, c.slow = nil, nil, ""
	switch {
	case a.err != nil:
		c.config.Reloaded(Unreachable, a.took)
		c.ghost = obstacle{pending: a.err.Error()}
		c.config.Log.Warn("ghost could not be asked to reload", zap.Error(a.err))
		c.retryAt = c.config.Clock.After(c.retries.After(0))
	case a.accepted:
		c.retries = newRetries(c.config)
		c.config.Reloaded(Accepted, a.took)
		c.accept(a.result, a.took)
	default:
		c.retries = newRetries(c.config)
		c.config.Reloaded(Refused, a.took)
		c.refuse(a.result)
	}
	if c.otherChild {
		// What the one before has answered says nothing of what runs now.
		c.otherChild = false
		c.childChanged()
	}
	if c.unmerged {
		c.unmerged = false
		c.config.Coalescer.Note(c.config.Clock.Now())
	}
	c.tell()
}

// tellSlow says that ghost is still building: it answers when it is done.
func (c *Controller) tellSlow() {
	sequence := c.candidate.RoutingSequence
	c.slow = fmt.Sprintf("ghost has been building routing.json (sequence %d) for more than %s", sequence, c.config.SlowAfter)
	c.slowAt = nil
	c.config.Log.Warn("ghost takes long for a reload", zap.Int64("sequence", sequence))
	c.tell()
}

// accept makes the candidate live.
func (c *Controller) accept(result ghostconf.ReloadResult, took time.Duration) {
	live := c.candidate
	c.live, c.candidate, c.refused, c.ghost = live, nil, nil, obstacle{}
	if err := c.keep(live); err != nil {
		c.config.Log.Error("the last good configuration could not be kept", zap.Error(err))
	}
	c.config.Log.Info("ghost runs new routing", zap.Int64("sequence", live.RoutingSequence),
		zap.Int64("ghostSequence", result.Sequence), zap.Int("diagnostics", len(result.Diagnostics)), zap.Duration("took", took))
	c.config.Board.Update(func(s *adminapi.Status) {
		s.Routing.Sequence, s.Routing.Digest, s.Routing.GhostSequence = live.RoutingSequence, live.Digest, result.Sequence
		s.Routing.Routes, s.Routing.Services, s.Routing.Endpoints = live.Routes, live.Services, live.Endpoints
		s.Routing.Diagnostics = diagnostics(result, live.Document)
	})
	c.config.Tasks.Set(ready.RoutingAccepted, true)
}

// diagnostics are ghost's own, and those that only chaperone can give.
func diagnostics(result ghostconf.ReloadResult, document *merge.Document) []ghostconf.Diagnostic {
	all := slices.Clone(result.Diagnostics)
	if document == nil {
		return all
	}
	for _, own := range document.Diagnostics() {
		if !slices.ContainsFunc(all, func(d ghostconf.Diagnostic) bool { return d.Path == own.Path }) {
			all = append(all, own)
		}
	}
	return all
}

// keep keeps what ghost accepted, and the document that it was made of where that is another than before.
func (c *Controller) keep(live *merge.Ghost) error {
	good := Good{Ghost: live.Data}
	if live.Document != nil && live.Document != c.kept {
		routing, err := live.Document.Routing()
		if err != nil {
			return err
		}
		good.Routing = routing
	}
	if err := c.config.Store.Keep(good); err != nil {
		return err
	}
	if good.Routing != nil {
		c.kept = live.Document
	}
	return nil
}

// runsNothing says that ghost runs no configuration.
func (c *Controller) runsNothing() {
	c.config.Board.Update(func(s *adminapi.Status) {
		s.Routing = adminapi.Routing{Error: s.Routing.Error, Pending: s.Routing.Pending}
	})
}

// refuse puts the last good ghost.json back. ghost keeps what it runs, unless it has only just started and
// runs nothing: then it is asked to take the last good one.
func (c *Controller) refuse(result ghostconf.ReloadResult) {
	refused := c.candidate
	c.candidate, c.refused = nil, refused.Data
	c.ghost = obstacle{refused: "ghost refuses ghost.json: " + result.Error}
	c.config.Log.Error("ghost refuses ghost.json", zap.String("reason", result.Error), zap.Int64("sequence", refused.RoutingSequence))
	if refused == c.live {
		c.refuseLive(result)
		return
	}
	if err := c.config.Store.Restore(); err != nil {
		c.config.Log.Error("the last good ghost.json could not be put back", zap.Error(err))
		return
	}
	if c.live != nil && result.Sequence != c.live.Sequence {
		c.candidate = c.live
	}
}

// refuseLive gives up what another ghost had accepted, and has the document merged anew.
func (c *Controller) refuseLive(result ghostconf.ReloadResult) {
	c.live, c.kept = nil, nil
	if err := c.config.Store.Forget(); err != nil {
		c.config.Log.Error("a refused ghost.json could not be removed", zap.Error(err))
	}
	if result.Sequence == 0 {
		c.runsNothing()
		c.config.Tasks.Set(ready.RoutingAccepted, false)
	}
	c.config.Coalescer.Note(c.config.Clock.Now())
}
