package peers

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/varnish-gateway/gateway/test/peers/openloop"
	"github.com/varnish-gateway/gateway/test/peers/report"
)

// latency asks at a fixed rate.
type latency struct {
	connections int
	// reload replaces the routes each second.
	reload bool
}

// reloadInterval is the time from one reload to the next.
const reloadInterval = time.Second

// reloadPause is the time between two looks at whether new routes are in use. A look takes a new connection on both
// sides: one each 10 ms doubled the p99 of the gateway.
const reloadPause = 100 * time.Millisecond

func (l latency) measure(ctx context.Context, b *bench, i instance) (sample, error) {
	reloading, stop := context.WithCancel(ctx)
	defer stop()
	reloads := make(chan reloadCount, 1)
	go func() { reloads <- l.reloads(reloading, i) }()
	result, err := openloop.Run(ctx, openloop.Config{
		Address: i.site.HTTP, Request: []byte("GET / HTTP/1.1\r\nHost: " + firstHost + "\r\n\r\n"),
		Connections: l.connections, Rate: b.options.Rate, Duration: b.options.latencyDuration(), Patience: 5 * time.Second,
	})
	stop()
	reloaded := <-reloads
	if err := errors.Join(err, reloaded.err); err != nil {
		return nil, err
	}
	if len(result.Latencies) == 0 {
		return nil, fmt.Errorf("not one request was answered: %w", result.Example)
	}
	s := sample{
		report.OfferedRate: b.options.Rate,
		report.Failed:      float64(result.Failed),
	}
	for metric, p := range map[report.Metric]float64{report.P50: 50, report.P90: 90, report.P99: 99, report.P999: 99.9} {
		s[metric] = float64(result.Percentile(p)) / float64(time.Millisecond)
	}
	if l.reload {
		s[report.Reloads] = float64(reloaded.done)
	}
	return s, nil
}

type reloadCount struct {
	done int
	err  error
}

// reloads replaces the routes until ctx ends, and waits each time until the new ones are in use.
// The first comes at once.
func (l latency) reloads(ctx context.Context, i instance) reloadCount {
	var c reloadCount
	if !l.reload {
		return c
	}
	ticks := time.NewTicker(reloadInterval)
	defer ticks.Stop()
	for n := 0; ctx.Err() == nil; n++ {
		// Each round has names of its own, so that an answer tells of the newest routes.
		host := fmt.Sprintf("reload-%d-%d.example", time.Now().UnixNano(), n)
		if err := i.reload(append(hosts(len(i.site.Hosts)), host)); err != nil {
			return reloadCount{c.done, fmt.Errorf("reload: %w", err)}
		}
		if err := i.await(ctx, host, reloadPause); err != nil && ctx.Err() == nil {
			return reloadCount{c.done, fmt.Errorf("reload: %w", err)}
		} else if err == nil {
			c.done++
		}
		select {
		case <-ctx.Done():
		case <-ticks.C:
		}
	}
	return c
}
