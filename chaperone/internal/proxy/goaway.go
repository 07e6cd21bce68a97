package proxy

import "time"

// settleFor is how long no stream must have been open for a connection to end, once its client knows of the drain: a
// client may have numbered a stream before it heard, and say so a moment later.
const settleFor = 250 * time.Millisecond

// GoAway asks the clients of HTTP/2 connections that are open to open no more streams on them; each ends once its
// streams have. Where later is set, so it is with those that come. Other connections are none of its business:
// what they speak has no word for it that could be put in.
func (s *Server) GoAway(later bool) {
	if later {
		s.draining.Store(true)
	}
	for _, c := range s.open.all() {
		if splice := c.(*session).splice.Load(); splice != nil {
			splice.drain()
		}
	}
}

// drain asks for the end of the connection. It is safe for concurrent use.
func (s *splice) drain() {
	if s.http2 == nil {
		return
	}
	s.Post(func() {
		s.http2.Drain()
		s.tellClient()
	})
}

// tellClient tells the client of a drain, between two frames of varnishd. One that has been told the end knows.
func (s *splice) tellClient() {
	if !s.over && s.answers != ended {
		s.write(s.http2.Tell())
	}
}

// endWhenIdle ends a connection that is drained, when no stream has been open for a while. varnishd then says its own
// GOAWAY, with the last stream that it has seen.
func (s *splice) endWhenIdle() {
	opened, idle := s.http2.Idle()
	if !idle {
		return
	}
	s.after(settleFor, func() {
		if still, idle := s.http2.Idle(); idle && still == opened && !s.over {
			s.varnishd.closeWrite()
		}
	})
}
