package proxy

import "time"

// patience ends a splice whose client does nothing for a while. It belongs to the splice's loop.
type patience struct {
	// until is when it runs out; zero while nothing is waited for.
	until time.Time
	// timer looks at the time fires whether it has run out. A later until leaves it as it is, so that waiting again and
	// again costs little.
	timer *time.Timer
	fires time.Time
}

// wait gives the client d from now.
func (p *patience) wait(s *splice, d time.Duration) {
	p.until = time.Now().Add(d)
	if p.timer == nil || p.until.Before(p.fires) {
		p.arm(s, d)
	}
}

// end waits for nothing any more.
func (p *patience) end() {
	p.until = time.Time{}
}

// stop ends for good: a timer that goes on would keep the splice in memory.
func (p *patience) stop() {
	p.end()
	if p.timer != nil {
		p.timer.Stop()
		p.timer = nil
	}
}

func (p *patience) arm(s *splice, d time.Duration) {
	if p.timer != nil {
		p.timer.Stop()
	}
	p.fires = time.Now().Add(d)
	var timer *time.Timer
	timer = s.after(d, func() {
		if p.timer != timer {
			return
		}
		p.timer = nil
		switch rest := time.Until(p.until); {
		case s.over || p.until.IsZero():
		case rest > 0:
			p.arm(s, rest)
		default:
			s.finish()
		}
	})
	p.timer = timer
}
