package http2conn

import (
	"slices"
	"time"
)

// A page with a map cancels all tiles that it has asked for each time that it is moved: streams that are reset are
// bounded for floods alone. varnishd has a bound of its own, which its clients over TLS never reach: in Varnish 7.7 of
// Debian 13 a connection that does may end varnishd's child (issue 4396 of Varnish).
const (
	// resetLimit is how many resets a connection may have at once, and within resetPeriod.
	resetLimit  = 1000
	resetPeriod = time.Minute
	// youngFor is how old a stream may be for its reset to count where the client resets it. varnishd counts those that
	// are younger than a second by its own clock, which may begin later.
	youngFor = 2 * time.Second
	// maxEchoes bounds echoes: a client has no more streams open.
	maxEchoes = 100
)

// stream is one that is open.
type stream struct {
	id    uint32
	since time.Time
}

// resets counts the streams that were reset (RFC 9113, section 5.4.2): each costs a request that nobody waits for
// (CVE-2023-44487), also where the client makes the server reset it (CVE-2025-8671).
type resets struct {
	spent float64
	at    time.Time
	// echoes are the client's resets that the server may still answer by its own, which costs nothing.
	echoes int
}

// byClient counts a stream that the client has reset.
func (r *resets) byClient(s stream, now time.Time) {
	r.echoes = min(r.echoes+1, maxEchoes)
	if now.Sub(s.since) < youngFor {
		r.count(now)
	}
}

// byServer counts a reset of the server; wasOpen says that nobody had reset the stream before.
func (r *resets) byServer(wasOpen bool, now time.Time) {
	if !wasOpen && r.echoes > 0 {
		r.echoes--
		return
	}
	r.count(now)
}

func (r *resets) count(now time.Time) {
	regained := resetLimit * float64(now.Sub(r.at)) / float64(resetPeriod)
	r.spent = max(0, r.spent-regained) + 1
	r.at = now
}

func (r *resets) excessive() bool { return r.spent > resetLimit }

// end takes a stream out of those that are open.
func (c *Connection) end(id uint32) (s stream, wasOpen bool) {
	i := slices.IndexFunc(c.open, func(s stream) bool { return s.id == id })
	if i < 0 {
		return stream{id: id}, false
	}
	s = c.open[i]
	c.open = slices.Delete(c.open, i, i+1)
	return s, true
}

// Excessive says that more streams were reset than a client has need of.
func (c *Connection) Excessive() bool {
	return c.resets.excessive()
}

// Calm is what a client is told whose connection ends for that (RFC 9113, section 7); nothing where a frame of the server
// is in the middle.
func (c *Connection) Calm() []byte {
	if !c.greeted || !c.server.atBoundary() {
		return nil
	}
	return calmDown
}
