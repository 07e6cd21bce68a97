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

// drain asks for the end of the connection.
func (s *splice) drain() {
	if s.http2 == nil {
		return
	}
	s.http2.Drain()
	if s.http2.Due() {
		// A client that takes nothing must not hold up what others are told.
		go func() { _ = s.tellClient() }()
	}
}

// tellClient tells the client of a drain between two frames of varnishd. Where somebody else is writing, that one does.
func (s *splice) tellClient() error {
	for s.http2.Due() && s.write.TryLock() {
		err := s.writeAll(s.http2.Tell())
		s.write.Unlock()
		if err != nil {
			return err
		}
	}
	return nil
}

// endWhenIdle ends a connection that is drained, when no stream has been open for a while. varnishd then says its own
// GOAWAY, with the last stream that it has seen.
func (s *splice) endWhenIdle() {
	opened, idle := s.http2.Idle()
	if !idle {
		return
	}
	time.AfterFunc(settleFor, func() {
		if still, idle := s.http2.Idle(); idle && still == opened {
			_ = s.varnishd.CloseWrite()
		}
	})
}
