package programming

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
)

// publication is the routing.json that is published.
type publication struct {
	// listeners is the digest of the part that the Gateway itself decides. Routes come and go without the Gateway being any less
	// programmed; its listeners do not.
	listeners [sha256.Size]byte
	// since is the first sequence that has these listeners, and newest the one that is published.
	since, newest int64
	// contents with these listeners that pods may run, the newest last.
	contents []content
	// failure is why nothing newer could be published; nil where everything is.
	failure error
}

// content of a routing.json, by its digest. It will do until another has been published for as long as pods may take for that.
type content struct {
	digest string
	until  time.Time
}

// RoutingState says how far the publication of a Gateway's listeners is.
type RoutingState int

// How far the publication of a Gateway's listeners is.
const (
	// RoutingUnknown means that nobody has looked yet at what is published.
	RoutingUnknown RoutingState = iota
	// RoutingPending means that these listeners are not published yet.
	RoutingPending
	// RoutingFailed means that they cannot be published.
	RoutingFailed
	// RoutingPublished means that they are published.
	RoutingPublished
)

// Routing is the publication of a Gateway's listeners.
type Routing struct {
	State RoutingState
	// Revisions that pods may run, where they are published.
	Revisions dataplane.Revisions
	// Failure is why they cannot be published.
	Failure error
}

// PublishedRouting says that routing.json has these listeners, given in an encoding that is the same for the same ones, and this content
// under a sequence. It tells whether that is news. The Gateway is reported as changed when pods have had the time to take it.
func (g *Gateway) PublishedRouting(listeners []byte, sequence int64, digest string) (news bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := publication{listeners: sha256.Sum256(listeners), since: sequence}
	if before := g.routing; before != nil && before.listeners == now.listeners && before.newest <= sequence {
		if last := len(before.contents) - 1; last >= 0 && before.contents[last].digest == digest {
			news = before.failure != nil
			before.failure = nil
			return news
		}
		now.since, now.contents = before.since, before.contents
	}
	if len(now.contents) > 0 {
		now.contents[len(now.contents)-1].until = time.Now().Add(SettleWithin)
		g.lookAgain()
	}
	now.newest, now.contents = sequence, append(now.contents, content{digest: digest})
	g.routing = &now
	return true
}

// lookAgain reports the Gateway as changed when pods have had the time to take what is published. It is called with the lock held.
func (g *Gateway) lookAgain() {
	if g.overdue != nil {
		return
	}
	g.overdue = time.AfterFunc(SettleWithin, func() {
		g.mu.Lock()
		g.overdue = nil
		g.mu.Unlock()
		if g.ctx.Err() == nil {
			g.store.options.Changed(g.key)
		}
	})
}

// revisions are those that pods may run now.
func (p *publication) revisions() dataplane.Revisions {
	p.contents = slices.DeleteFunc(p.contents, func(c content) bool { return !c.until.IsZero() && !time.Now().Before(c.until) })
	r := dataplane.Revisions{Since: p.since, Newest: p.newest}
	for _, c := range p.contents {
		r.Contents = append(r.Contents, c.digest)
	}
	return r
}

// FailedRouting says why the Gateway's routing could not be published. It tells whether that is news.
func (g *Gateway) FailedRouting(failure error) (news bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := publication{}
	if g.routing != nil {
		now = *g.routing
	}
	news = now.failure == nil || now.failure.Error() != failure.Error()
	now.failure = failure
	g.routing = &now
	return news
}

// ContestedRouting says in sentences what somebody else keeps changing of what is published; empty
// where nobody does. It tells whether that is news.
func (g *Gateway) ContestedRouting(sentences string) (news bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	news = sentences != g.contested
	g.contested = sentences
	return news
}

// RoutingContested is what ContestedRouting said last.
func (g *Gateway) RoutingContested() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.contested
}

// Routing tells how far the publication of these listeners is.
func (g *Gateway) Routing(listeners []byte) Routing {
	g.mu.Lock()
	defer g.mu.Unlock()
	switch {
	case g.routing == nil:
		return Routing{State: RoutingUnknown}
	case g.routing.failure != nil:
		return Routing{State: RoutingFailed, Failure: g.routing.failure}
	case g.routing.listeners != sha256.Sum256(listeners):
		return Routing{State: RoutingPending}
	}
	return Routing{State: RoutingPublished, Revisions: g.routing.revisions()}
}
