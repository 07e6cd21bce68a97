package reload

import (
	"bytes"
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/merge"
	"github.com/varnish-gateway/gateway/chaperone/internal/ready"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// merge makes a candidate of document and endpoints, unless ghost runs that already or has refused it.
func (c *Controller) merge() {
	var live []byte
	if c.live != nil {
		live = c.live.Data
	}
	ghost, err := c.document.Ghost(live, c.endpointsOf)
	if err != nil {
		c.decodeError = err.Error()
		c.config.Log.Error("routing.json is not in effect", zap.Error(err))
		return
	}
	switch {
	case !ghost.Changed:
		// Back to what runs: what was to come in between is of no interest any more.
		if c.candidate != nil && c.candidate != c.live || c.refusal != "" {
			c.drop()
		}
	case bytes.Equal(ghost.Data, c.refused), c.candidate != nil && bytes.Equal(ghost.Data, c.candidate.Data):
	default:
		c.propose(&ghost)
	}
}

// propose puts a candidate where ghost reads it.
func (c *Controller) propose(ghost *merge.Ghost) {
	c.refused, c.refusal = nil, ""
	if err := c.config.Store.Try(ghost.Data); err != nil {
		c.refusal = err.Error()
		c.config.Log.Error("ghost.json could not be written", zap.Error(err))
		return
	}
	c.candidate = ghost
}

// drop puts the live ghost.json back in the place of a candidate.
func (c *Controller) drop() {
	c.refused, c.refusal, c.candidate = nil, "", nil
	if _, err := c.config.Store.Restore(); err != nil {
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

// reload asks ghost to take the candidate. It gives when to ask again; nil where all is well.
func (c *Controller) reload(ctx context.Context) <-chan time.Time {
	if c.candidate == nil || !c.serving.Load() {
		return nil
	}
	began := c.config.Clock.Now()
	result, accepted, err := c.config.Ghost.Reload(ctx)
	took := c.config.Clock.Since(began)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		c.config.Reloaded(Unreachable, took)
		c.refusal = err.Error()
		c.config.Log.Warn("ghost could not be asked to reload", zap.Error(err))
		c.tell()
		return c.config.Clock.After(c.config.RetryAfter)
	case accepted:
		c.config.Reloaded(Accepted, took)
		c.accept(result, took)
	default:
		c.config.Reloaded(Refused, took)
		c.refuse(result)
	}
	c.tell()
	// After a refusal ghost may have to be told to take the last good one again.
	return c.reload(ctx)
}

// accept makes the candidate live.
func (c *Controller) accept(result ghostconf.ReloadResult, took time.Duration) {
	live := c.candidate
	c.live, c.candidate, c.refused, c.refusal = live, nil, nil, ""
	if err := c.config.Store.Keep(live.Data); err != nil {
		c.config.Log.Error("the last good ghost.json could not be kept", zap.Error(err))
	}
	c.config.Log.Info("ghost runs new routing", zap.Int64("sequence", live.RoutingSequence),
		zap.Int64("ghostSequence", result.Sequence), zap.Int("diagnostics", len(result.Diagnostics)), zap.Duration("took", took))
	c.config.Board.Update(func(s *status.Status) {
		s.Routing.Sequence, s.Routing.GhostSequence = live.RoutingSequence, result.Sequence
		s.Routing.Routes, s.Routing.Services, s.Routing.Endpoints = live.Routes, live.Services, live.Endpoints
		s.Routing.Diagnostics = result.Diagnostics
	})
	c.config.Tasks.Set(ready.RoutingAccepted, true)
}

// refuse puts the last good ghost.json back. ghost keeps what it runs, unless it has only just started and
// runs nothing: then it is asked to take the last good one.
func (c *Controller) refuse(result ghostconf.ReloadResult) {
	refused := c.candidate
	c.candidate, c.refused = nil, refused.Data
	c.refusal = "ghost refuses ghost.json: " + result.Error
	c.config.Log.Error("ghost refuses ghost.json", zap.String("reason", result.Error), zap.Int64("sequence", refused.RoutingSequence))
	if refused == c.live {
		c.live = nil
		return
	}
	if _, err := c.config.Store.Restore(); err != nil {
		c.config.Log.Error("the last good ghost.json could not be put back", zap.Error(err))
		return
	}
	if c.live != nil && result.Sequence != c.live.Sequence {
		c.candidate = c.live
	}
}
