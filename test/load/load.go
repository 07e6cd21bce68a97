// Package load keeps a steady, bounded load on a gateway and counts what clients see. Each client is a closed
// loop on one connection that it keeps alive; nothing is retried, so that every failure is counted. A
// connection that the server closed while it was idle is simply opened anew, as every client does.
package load

import (
	"context"
	"crypto/tls"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Config of a load.
type Config struct {
	// Address to dial.
	Address string
	// TLS of the connections; nil for plain ones.
	TLS *tls.Config
	// HTTP2 speaks HTTP/2: over TLS, or with prior knowledge where TLS is nil.
	HTTP2 bool
	// Request makes the request that a client sends next. It is called by several goroutines.
	Request func() *http.Request
	// Check finds what is wrong with an answer; nil accepts every one of status 200.
	Check func(status int, header http.Header, body []byte) error
	// Clients is how many connections there are.
	Clients int
	// Pause between the requests of one client.
	Pause time.Duration
	// Timeout of one request; 10 s where it is 0.
	Timeout time.Duration
}

// Outcome is what became of a request.
type Outcome string

// Outcomes other than a right answer.
const (
	OK            Outcome = "ok"
	ConnectFailed Outcome = "connect failed"
	NoAnswer      Outcome = "connection lost before the answer"
	CutAnswer     Outcome = "connection lost within the answer"
	TimedOut      Outcome = "timed out"
	WrongAnswer   Outcome = "wrong answer"
)

// Result counts outcomes; without a Check, answers with another status than 200 are counted as "status N".
type Result struct {
	Counts map[Outcome]int
	// Examples of the errors behind the outcomes other than ok.
	Examples map[Outcome]string
	// Slowest is the longest time that a right answer took.
	Slowest time.Duration
	// Gap is the longest time in which no right answer came.
	Gap time.Duration
	// Clients is how many connections there were at a time.
	Clients int
}

// Total number of requests.
func (r Result) Total() int {
	total := 0
	for _, n := range r.Counts {
		total += n
	}
	return total
}

// Failed is how many requests did not get a right answer.
func (r Result) Failed() int { return r.Total() - r.Counts[OK] }

// Lost is how many requests were lost with their connection.
func (r Result) Lost() int { return r.Counts[NoAnswer] + r.Counts[CutAnswer] }

// String lists the counts, the right answers first.
func (r Result) String() string {
	parts := []string{fmt.Sprintf("%d requests: %d ok", r.Total(), r.Counts[OK])}
	for _, outcome := range slices.Sorted(maps.Keys(r.Counts)) {
		if outcome != OK {
			parts = append(parts, fmt.Sprintf("%d %s (%s)", r.Counts[outcome], outcome, r.Examples[outcome]))
		}
	}
	return strings.Join(parts, ", ") + fmt.Sprintf("; slowest %s, longest gap %s", r.Slowest.Round(time.Millisecond), r.Gap.Round(time.Millisecond))
}

// Run is a load that goes on until it is stopped.
type Run struct {
	config Config
	cancel context.CancelFunc
	wait   sync.WaitGroup
	mu     sync.Mutex
	result Result
	// last is when the last right answer came.
	last time.Time
	// changed is closed and replaced when an outcome has been counted.
	changed chan struct{}
	// gate is held shared while a connection is opened, and alone while the address is withdrawn.
	gate sync.RWMutex
}

// Withdraw does what a load balancer does when a pod is not ready: from its return until Restore, no connection is
// opened. Those that are open go on as long as the server keeps them.
func (r *Run) Withdraw() { r.gate.Lock() }

// Restore lets connections be opened again after Withdraw.
func (r *Run) Restore() { r.gate.Unlock() }

// Start begins a load.
func Start(ctx context.Context, config Config) *Run {
	if config.Timeout == 0 {
		config.Timeout = 10 * time.Second
	}
	ctx, cancel := context.WithCancel(ctx)
	r := &Run{
		config: config, cancel: cancel, changed: make(chan struct{}), last: time.Now(),
		result: Result{Counts: map[Outcome]int{}, Examples: map[Outcome]string{}},
	}
	for range config.Clients {
		r.wait.Go(func() { r.client(ctx) })
	}
	return r
}

// Stop lets the requests in flight end, and gives the result.
func (r *Run) Stop() Result {
	r.cancel()
	r.wait.Wait()
	return r.Result()
}

// Result so far.
func (r *Run) Result() Result {
	r.mu.Lock()
	defer r.mu.Unlock()
	return Result{Counts: maps.Clone(r.result.Counts), Examples: maps.Clone(r.result.Examples), Slowest: r.result.Slowest, Gap: r.result.Gap,
		Clients: r.config.Clients}
}

// More waits until n more requests have got a right answer.
func (r *Run) More(ctx context.Context, n int) error {
	target := r.Result().Counts[OK] + n
	for {
		r.mu.Lock()
		changed, reached := r.changed, r.result.Counts[OK] >= target
		r.mu.Unlock()
		if reached {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return fmt.Errorf("waiting for %d more right answers: %w; so far %s", n, ctx.Err(), r.Result())
		}
	}
}

// judge says whether an answer is right.
func (c Config) judge(response *http.Response, body []byte) (Outcome, error) {
	if c.Check != nil {
		if err := c.Check(response.StatusCode, response.Header, body); err != nil {
			return WrongAnswer, err
		}
		return OK, nil
	}
	if response.StatusCode != http.StatusOK {
		err := fmt.Errorf("status %d", response.StatusCode)
		return Outcome(err.Error()), err
	}
	return OK, nil
}

func (r *Run) client(ctx context.Context) {
	c := newClient(r.config, &r.gate)
	defer c.close()
	for ctx.Err() == nil {
		began := time.Now()
		outcome, err := c.exchange()
		r.count(outcome, err, time.Since(began))
		pause := r.config.Pause
		if outcome == ConnectFailed {
			pause = max(pause, time.Millisecond)
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

func (r *Run) count(outcome Outcome, err error, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.result.Counts[outcome]++
	if outcome == OK {
		now := time.Now()
		r.result.Slowest = max(r.result.Slowest, took)
		r.result.Gap = max(r.result.Gap, now.Sub(r.last))
		r.last = now
	} else if r.result.Examples[outcome] == "" {
		r.result.Examples[outcome] = err.Error()
	}
	close(r.changed)
	r.changed = make(chan struct{})
}
