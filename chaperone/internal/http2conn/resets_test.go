package http2conn

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"golang.org/x/net/http2"
)

func TestResetsAreExcessive(t *testing.T) {
	const many = 5 * resetLimit
	type step func(c *Connection, stream uint32, at time.Time)
	clientSays := func(write ...func(*http2.Framer) error) func(c *Connection, at time.Time) {
		return func(c *Connection, at time.Time) {
			for _, w := range write {
				c.FromClient(frames(t, w), at)
			}
		}
	}
	open := func(c *Connection, stream uint32, at time.Time) { clientSays(headers(stream, true, true))(c, at) }
	cancel := func(c *Connection, stream uint32, at time.Time) { clientSays(reset(stream))(c, at) }
	refuse := func(c *Connection, stream uint32, at time.Time) { c.FromServer(frames(t, reset(stream)), at) }
	answer := func(c *Connection, stream uint32, at time.Time) {
		c.FromServer(frames(t, headers(stream, true, true)), at)
	}
	late := func(s step) step {
		return func(c *Connection, stream uint32, at time.Time) { s(c, stream, at.Add(youngFor)) }
	}
	tests := map[string]struct {
		each []step
		// every is the time between two streams.
		every time.Duration
		// after is how many streams there are before it is too much; 0 for never.
		after int
	}{
		"a client that cancels at once":                {[]step{open, cancel}, 0, resetLimit + 1},
		"the server says so too":                       {[]step{open, cancel, refuse}, 0, resetLimit + 1},
		"a client that makes the server reset":         {[]step{open, refuse}, 0, resetLimit + 1},
		"both: the client resets what the server had":  {[]step{open, refuse, cancel}, 0, resetLimit + 1},
		"the server resets again and again":            {[]step{open, cancel, refuse, refuse}, 0, resetLimit/2 + 1},
		"what the server resets was never opened":      {[]step{refuse}, 0, resetLimit + 1},
		"a client that gives up what has taken long":   {[]step{open, late(cancel), late(refuse)}, 0, 0},
		"a client that cancels what has been answered": {[]step{open, answer, cancel}, 0, 0},
		"answers alone":                                {[]step{open, answer}, 0, 0},
		"as many as a minute allows":                   {[]step{open, cancel, refuse}, resetPeriod / resetLimit, 0},
		"a little more than that":                      {[]step{open, cancel, refuse}, resetPeriod / resetLimit / 2, 2 * resetLimit},
		"the server's own, as many as a minute allows": {[]step{open, refuse}, resetPeriod / resetLimit, 0},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			c := started(t)
			at := time.Now()
			after := 0
			for n := 1; n <= many && after == 0; n++ {
				at = at.Add(test.every)
				for _, step := range test.each {
					step(c, uint32(2*n-1), at)
				}
				if c.Excessive() {
					after = n
				}
			}
			assert.Equal(t, test.after, after)
		})
	}
}

func TestAClientIsToldToCalmDownBetweenTwoFrames(t *testing.T) {
	assert.Nil(t, (&Connection{}).Calm(), "the server's first frame is SETTINGS")
	c := started(t)
	calm := c.Calm()
	assert.Equal(t, frames(t, func(f *http2.Framer) error {
		return f.WriteGoAway(lastStream, http2.ErrCodeEnhanceYourCalm, nil)
	}), calm)
	piece := frames(t, data(1, false))
	c.FromServer(piece[:len(piece)-1], now)
	assert.Nil(t, c.Calm())
	c.FromServer(piece[len(piece)-1:], now)
	assert.NotNil(t, c.Calm())
}
