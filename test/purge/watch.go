package purge

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/varnish-gateway/gateway/test/peers/openloop"
)

// watch judges what clients get while a target is purged.
type watch struct {
	target target
	// object of each request, by its number.
	object []int
	// answers in the order in which they came.
	answers []seen
	// problem is the first answer that could not be read.
	problem error
}

// seen is one answer.
type seen struct {
	object     int
	sent, came time.Time
	// made is when the origin made it.
	made    time.Time
	latency time.Duration
}

func (w *watch) answered(e openloop.Exchange) {
	s := seen{object: w.object[e.Number], sent: e.Sent, came: e.Came, latency: e.Latency}
	var err error
	if s.made, err = parseBody(e.Answer); err != nil && w.problem == nil {
		w.problem = err
	}
	w.answers = append(w.answers, s)
}

// body of an answer: the time at which it is made.
func body(made time.Time) []byte { return strconv.AppendInt(nil, made.UnixNano(), 10) }

func parseBody(answer []byte) (time.Time, error) {
	_, text, _ := bytes.Cut(answer, []byte("\r\n\r\n"))
	nanoseconds, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("an answer is not the origin's: %w", err)
	}
	return time.Unix(0, nanoseconds), nil
}

// verdict of a purge that was ordered at one time and had its answer at another one. An answer is stale that the origin
// made before the order. Errors where one of the target was stale to a request that was sent after the order was answered,
// or where an object that was not purged was fetched anew.
func (w *watch) verdict(ordered, done time.Time) (Purge, error) {
	if w.problem != nil {
		return Purge{}, w.problem
	}
	p := Purge{Call: milliseconds(done.Sub(ordered))}
	var before, during []time.Duration
	stale, fetched := 0, map[int]bool{}
	for _, s := range w.answers {
		isStale := s.made.Before(ordered)
		switch {
		case !s.came.After(ordered):
			before = append(before, s.latency)
		case s.came.Before(ordered.Add(time.Second)):
			during = append(during, s.latency)
		}
		switch {
		case !w.target.has(s.object) && !isStale:
			return Purge{}, fmt.Errorf("object %d was not purged, and was fetched anew", s.object)
		case !w.target.has(s.object):
		case !isStale:
			fetched[s.object] = true
		case s.sent.After(done):
			return Purge{}, fmt.Errorf("object %d was stale %s after the purge was done", s.object, s.sent.Sub(done))
		case s.came.After(ordered):
			stale++
			p.LastStale = milliseconds(s.came.Sub(ordered))
		}
	}
	p.Stale, p.Fetched = stale, len(fetched)
	p.Before, p.During = latenciesOf(before), latenciesOf(during)
	return p, nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func latenciesOf(all []time.Duration) Latencies {
	slices.Sort(all)
	result := openloop.Result{Latencies: all}
	at := func(p float64) float64 { return milliseconds(result.Percentile(p)) }
	return Latencies{P50: at(50), P99: at(99), P999: at(99.9), Most: at(100)}
}
