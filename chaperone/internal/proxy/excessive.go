package proxy

// endWhereExcessive ends an HTTP/2 connection on which more streams were reset than a client has need of, before
// varnishd hears of one more.
func (s *splice) endWhereExcessive() {
	if s.over || !s.http2.Excessive() {
		return
	}
	s.write(s.http2.Calm())
	s.excessive()
	s.finish()
}
