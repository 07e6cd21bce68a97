package peers

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/varnish-gateway/gateway/test/await"
	"github.com/varnish-gateway/gateway/test/peers/report"
)

// held is what is kept while memory is measured.
type held int

const (
	idleConnections held = iota
	idleTLSConnections
	idleHTTP2Connections
	slowRequests
)

// memory measures a peer before and while it holds something.
type memory struct{ hold held }

func (m memory) measure(ctx context.Context, b *bench, i instance) (sample, error) {
	h := &holder{address: i.site.HTTP}
	n := b.options.Connections
	if m.hold == idleTLSConnections || m.hold == idleHTTP2Connections {
		n = b.options.TLSConnections
		h.address = i.site.HTTPS
		h.tls = &tls.Config{RootCAs: b.pair.Pool(), ServerName: firstHost}
	}
	if m.hold == idleHTTP2Connections {
		h.http2, h.tls.NextProtos = true, []string{"h2"}
	}
	n, err := affordable(n)
	if err != nil {
		return nil, err
	}
	defer h.close()
	if m.hold != slowRequests {
		if err := h.warmUp(ctx); err != nil {
			return nil, err
		}
	}
	idle, err := settledMemory(ctx, i)
	if err != nil {
		return nil, err
	}
	if m.hold == slowRequests {
		return m.slow(ctx, b, i, h, n, idle)
	}
	if err := h.open(ctx, n, true); err != nil {
		return nil, err
	}
	full, err := settledMemory(ctx, i)
	if err != nil {
		return nil, err
	}
	alive, err := h.alive()
	if err != nil {
		return nil, err
	}
	return m.sample(idle, full, n, alive, int(h.refused.Load())), nil
}

// slow waits until each request waits at the origin, or has been answered, or nothing happens any
// more.
func (m memory) slow(ctx context.Context, b *bench, i instance, h *holder, n int, idle int64) (sample, error) {
	defer b.slow.start()()
	if err := h.open(ctx, n, false); err != nil {
		return nil, err
	}
	const stalled = 5 * time.Second
	last, since := -1, time.Now()
	if err := await.Every(ctx, 20*time.Millisecond, "requests to wait", func() error {
		settled := b.slow.held() + int(h.refused.Load())
		if settled != last {
			last, since = settled, time.Now()
		}
		if settled < n && time.Since(since) < stalled {
			return fmt.Errorf("%d of %d wait or were answered", settled, n)
		}
		return nil
	}); err != nil {
		return nil, err
	}
	full, err := settledMemory(ctx, i)
	if err != nil {
		return nil, err
	}
	return m.sample(idle, full, n, b.slow.held(), int(h.refused.Load())), nil
}

func (m memory) sample(idle, full int64, wanted, held, refused int) sample {
	s := sample{
		report.Idle: float64(idle), report.Held: float64(held), report.Refused: float64(refused),
		report.Failed: float64(wanted - held - refused),
	}
	if held > 0 {
		s[report.BytesEach] = float64(full-idle) / float64(held)
	}
	return s
}

// settledMemory is the memory of a server when it changes by less than a hundredth.
func settledMemory(ctx context.Context, s server) (int64, error) {
	const pause, looks = 200 * time.Millisecond, 25
	last, err := memoryOf(s)
	for range looks {
		if err != nil {
			return 0, err
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-time.After(pause):
		}
		before := last
		if last, err = memoryOf(s); err == nil && abs(last-before) < before/100 {
			return last, nil
		}
	}
	return last, err
}

func abs(n int64) int64 { return max(n, -n) }

// affordable is how many of n connections fit into the limit of open files: this program and each
// peer need two for each, and some more.
func affordable(n int) (int, error) {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return 0, err
	}
	const others = 2000
	fit := min(int64(n), (int64(min(limit.Max, 1<<30))-others)/2)
	if fit <= 0 {
		return 0, fmt.Errorf("the limit of open files (%d) leaves no room for connections", limit.Max)
	}
	return int(fit), nil
}
