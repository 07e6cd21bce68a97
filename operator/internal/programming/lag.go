package programming

import "time"

// SettleWithin is how long pods may take to run what has changed before that is told: every change takes them a moment, and a
// condition that goes back and forth with each would tell nothing.
const SettleWithin = 10 * time.Second

// Lags says that pods are about to run something new, and tells whether they may take longer still. Where they do take longer, the
// Gateway is reported as changed.
func (g *Gateway) Lags() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.lags.IsZero() {
		g.lags = time.Now()
	}
	rest := SettleWithin - time.Since(g.lags)
	if rest <= 0 {
		return false
	}
	if g.settle == nil {
		g.settle = time.AfterFunc(rest, func() {
			if g.ctx.Err() == nil {
				g.store.options.Changed(g.key)
			}
		})
	}
	return true
}

// Settled says that pods run what they are to run, or that something keeps them from it.
func (g *Gateway) Settled() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.endLag()
}

// endLag is Settled with the lock held.
func (g *Gateway) endLag() {
	if g.settle != nil {
		g.settle.Stop()
	}
	g.lags, g.settle = time.Time{}, nil
}
