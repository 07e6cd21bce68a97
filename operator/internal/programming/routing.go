package programming

import "crypto/sha256"

// publication is the routing.json that is published.
type publication struct {
	// listeners is the digest of the part that the Gateway itself decides, and since the first sequence that has it. Routes come
	// and go without the Gateway being any less programmed; its listeners do not.
	listeners [sha256.Size]byte
	since     int64
	// failure is why nothing newer could be published; nil where everything is.
	failure error
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
	// Sequence that pods must have reached to have these listeners, where they are published.
	Sequence int64
	// Failure is why they cannot be published.
	Failure error
}

// PublishedRouting says that routing.json has these listeners, given in an encoding that is the same for the same ones, under a sequence. It
// tells whether that is news to those who wait for the listeners.
func (g *Gateway) PublishedRouting(listeners []byte, sequence int64) (news bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := publication{listeners: sha256.Sum256(listeners), since: sequence}
	if before := g.routing; before != nil && before.listeners == now.listeners && before.since <= sequence {
		if before.failure == nil {
			return false
		}
		now.since = before.since
	}
	g.routing = &now
	return true
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
	return Routing{State: RoutingPublished, Sequence: g.routing.since}
}
