package purge

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"time"

	"github.com/varnish-gateway/gateway/test/peers"
	"github.com/varnish-gateway/gateway/test/peers/openloop"
	"github.com/varnish-gateway/gateway/test/process"
	"github.com/varnish-gateway/gateway/test/stack"
)

// Options of a run.
type Options struct {
	// Objects in the cache, and Sizes of the tags that are purged.
	Objects int
	Sizes   []int
	// Rounds is how often a tag of each size is purged.
	Rounds int
	// Rate of requests in a second.
	Rate float64
	// Window is how long clients ask before a purge, and behind it.
	Window time.Duration
	// Binaries of the gateway.
	Binaries stack.Binaries
	// Out takes what a person wants to see meanwhile.
	Out io.Writer
}

// connections of clients.
const connections = 64

// bench is a run.
type bench struct {
	Options
	plan    plan
	origin  *origin
	gateway *gateway
	random  *rand.Rand
}

// Run measures.
func Run(ctx context.Context, options Options) (results *Results, err error) {
	b := &bench{Options: options, random: rand.New(rand.NewPCG(1, 2))}
	if b.plan, err = makePlan(b.Objects, b.Sizes, b.Rounds); err != nil {
		return nil, err
	}
	if err := checkMemory(b.Objects); err != nil {
		return nil, err
	}
	if b.origin, err = startOrigin(b.Sizes); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.origin.stop()) }()
	if b.gateway, err = startGateway(ctx, b.Binaries, b.origin.address, b.Objects); err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, b.gateway.stop()) }()
	results = &Results{
		Date: time.Now().UTC().Truncate(time.Second), Machine: peers.ThisMachine(), Objects: b.Objects, Tags: len(b.Sizes), Rate: b.Rate,
	}
	if err := b.fill(ctx, results); err != nil {
		return nil, fmt.Errorf("fill the cache: %w", err)
	}
	for _, t := range b.plan.targets {
		one, err := b.purge(ctx, t)
		if err != nil {
			return nil, fmt.Errorf("purge the tag %s: %w", t.tag(), err)
		}
		results.Purges = append(results.Purges, one)
		fmt.Fprintf(b.Out, "purged %d objects: last stale answer after %.1f ms, call %.1f ms, p99 %.2f ms before and %.2f ms during\n",
			one.Objects, one.LastStale, one.Call, one.Before.P99, one.During.P99)
	}
	return results, nil
}

func request(object int) []byte {
	return fmt.Appendf(nil, "GET /%d?utm_source=bench HTTP/1.1\r\nHost: %s\r\nCookie: theme=dark\r\n\r\n", object, host)
}

// fill asks for each object once, as fast as answers come.
func (b *bench) fill(ctx context.Context, results *Results) error {
	before, err := b.memory()
	if err != nil {
		return err
	}
	const rate = 100_000 // beyond what can be answered
	began, was := time.Now(), b.origin.asked.Load()
	result, err := openloop.Run(ctx, openloop.Config{
		Address: b.gateway.address, Next: request, Connections: connections, Rate: rate,
		Duration: time.Duration((float64(b.Objects) + 0.5) / rate * float64(time.Second)), Patience: fillPatience,
	})
	if err != nil {
		return err
	}
	if result.Failed > 0 {
		return fmt.Errorf("%d requests failed: %w", result.Failed, result.Example)
	}
	if asked := b.origin.asked.Load() - was; asked != int64(b.Objects) {
		return fmt.Errorf("the origin was asked %d times for %d objects", asked, b.Objects)
	}
	after, err := b.memory()
	if err != nil {
		return err
	}
	results.FillSeconds = time.Since(began).Seconds()
	results.BytesEach = float64(after-before) / float64(b.Objects)
	fmt.Fprintf(b.Out, "%d objects fetched in %.1f s, %.0f bytes each\n", b.Objects, results.FillSeconds, results.BytesEach)
	return nil
}

// fillPatience bounds the time in which the cache is filled.
const fillPatience = 15 * time.Minute

// memory of what runs in a pod.
func (b *bench) memory() (int64, error) {
	parts, err := b.gateway.stack.Parts()
	if err != nil {
		return 0, err
	}
	return process.TreeMemory(parts.Chaperone)
}

// purge a tag in the middle of a load.
func (b *bench) purge(ctx context.Context, t target) (Purge, error) {
	w := &watch{target: t}
	ordered, failed := make(chan order, 1), make(chan error, 1)
	loading, stop := context.WithCancel(ctx)
	defer stop()
	go func() {
		select {
		case <-time.After(b.Window):
		case <-loading.Done():
		}
		o, err := b.order(loading, t)
		ordered <- o
		failed <- err
	}()
	result, err := openloop.Run(ctx, openloop.Config{
		Address: b.gateway.address, Connections: connections, Rate: b.Rate, Duration: 2 * b.Window, Patience: 5 * time.Second,
		Next: func(number int) []byte {
			object := b.plan.asked(t, number, b.random)
			w.object = append(w.object, object)
			return request(object)
		},
		Answered: w.answered,
	})
	if err != nil {
		return Purge{}, err
	}
	o := <-ordered
	if err := <-failed; err != nil {
		return Purge{}, err
	}
	p, err := w.verdict(o.given, o.done)
	if err != nil {
		return Purge{}, err
	}
	p.Objects, p.Failed = t.size, result.Failed
	if p.Failed > 0 {
		fmt.Fprintf(b.Out, "%d requests failed: %v\n", p.Failed, result.Example)
	}
	return p, nil
}

// order says when a purge was ordered, and when it was done.
type order struct{ given, done time.Time }

// order purges a tag as a user does.
func (b *bench) order(ctx context.Context, t target) (order, error) {
	command := exec.CommandContext(ctx, b.Binaries.Gatewayctl, "purge", "--state-dir", b.gateway.state, "--tag", t.tag())
	o := order{given: time.Now()}
	output, err := command.CombinedOutput()
	o.done = time.Now()
	if err != nil {
		return o, fmt.Errorf("gatewayctl purge: %w: %s", err, output)
	}
	return o, nil
}
