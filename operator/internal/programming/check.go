package programming

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/operator/internal/backoff"
	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
)

// vclCheck is a check of a Gateway's VCL under way, or done.
type vclCheck struct {
	// digest of the VCL.
	digest [sha256.Size]byte
	cancel context.CancelFunc
	result dataplane.Check
	// pod is the UID of the one that gave the result.
	pod string
}

// When VCL is compiled again that does not compile now.
var (
	// refusedAgain is for VCL that was refused: the host of a backend may have an address later.
	refusedAgain = backoff.Backoff{First: 5 * time.Second, Last: 5 * time.Minute}
	// tooLongAgain is for VCL that takes too long: each attempt costs the pod minutes of a processor.
	tooLongAgain = backoff.Backoff{First: 10 * time.Minute, Last: 2 * time.Hour}
)

// CheckVCL has a pod of the Gateway compile VCL, without effect. It does not wait: the Gateway is reported as changed once a pod has
// said whether the VCL compiles, and when that changes; the next call tells. VCL that compiles is compiled once. What was refused is
// tried again now and then, and at once where the pod that refused it is gone, since another may run another image. Where no pod
// answers, the first that does is reported as a change too.
func (g *Gateway) CheckVCL(vcl []byte) dataplane.Check {
	g.mu.Lock()
	defer g.mu.Unlock()
	digest := sha256.Sum256(vcl)
	if c := g.check; c != nil && c.digest == digest && (c.pod == "" || g.pods[c.pod] != nil) {
		return c.result
	}
	g.endCheck()
	if len(g.answering()) == 0 {
		return dataplane.Check{State: dataplane.Unheard}
	}
	ctx, cancel := context.WithCancel(g.ctx)
	c := &vclCheck{digest: digest, cancel: cancel, result: dataplane.Check{State: dataplane.Checking}}
	g.check = c
	g.store.tasks.start(func() {
		defer cancel()
		ask := func() (dataplane.Check, string, error) { return g.askAny(ctx, vcl) }
		repeat(ctx, ask, g.log, func(result dataplane.Check, pod string) { g.checked(ctx, c, result, pod) })
	})
	return c.result
}

// EndCheck says that there is no VCL to check.
func (g *Gateway) EndCheck() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.endCheck()
}

// errNobody means that no pod answers.
var errNobody = errors.New("no pod answers")

// repeat asks until VCL compiles or nobody answers, and tells each result that differs from the one before.
func repeat(ctx context.Context, ask func() (dataplane.Check, string, error), log *zap.Logger, tell func(dataplane.Check, string)) {
	var last dataplane.Check
	pauses := newPauses()
	for ctx.Err() == nil {
		result, pod, err := ask()
		if errors.Is(err, errNobody) {
			tell(dataplane.Check{}, "")
			return
		}
		wait := pauses.next(result.State, err)
		if err != nil {
			log.Debug("VCL could not be checked", zap.Error(err), zap.Duration("retryIn", wait))
		} else {
			if result != last {
				last = result
				tell(result, pod)
			}
			if result.State == dataplane.Compiles {
				return
			}
		}
		backoff.Sleep(ctx, wait)
	}
}

// pauses before the next attempt, by what came of the last one. Each grows as long as the same comes of it.
type pauses struct{ failed, refused, tooLong backoff.Backoff }

func newPauses() *pauses {
	return &pauses{failed: askAgain, refused: refusedAgain, tooLong: tooLongAgain}
}

// next is how long to wait now.
func (p *pauses) next(state dataplane.CheckState, err error) time.Duration {
	if err != nil {
		return p.failed.Next()
	}
	p.failed.Reset()
	if state == dataplane.TimedOut {
		return p.tooLong.Next()
	}
	return p.refused.Next()
}

// askAny asks the pods that answer, one after the other, until one gives a result, and returns whose it is.
func (g *Gateway) askAny(ctx context.Context, vcl []byte) (dataplane.Check, string, error) {
	g.mu.Lock()
	client, pods := g.client, g.answering()
	g.mu.Unlock()
	err := errNobody
	for _, pod := range pods {
		var result dataplane.Check
		if result, err = client.Check(ctx, pod.IP, vcl); err == nil {
			return result, pod.UID, nil
		}
		err = fmt.Errorf("pod %s: %w", pod.Name, err)
	}
	return dataplane.Check{}, "", err
}

// checked notes the result of a check, or that there is none, and reports the Gateway as changed.
func (g *Gateway) checked(ctx context.Context, c *vclCheck, result dataplane.Check, pod string) {
	g.mu.Lock()
	if ctx.Err() != nil {
		g.mu.Unlock()
		return
	}
	c.result, c.pod = result, pod
	if result.State == dataplane.NoCheck {
		g.check = nil
	}
	g.mu.Unlock()
	g.store.options.Changed(g.key)
}

// endCheck forgets the check of the Gateway's VCL. It is called with the lock held.
func (g *Gateway) endCheck() {
	if g.check != nil {
		g.check.cancel()
		g.check = nil
	}
}

// answering are the pods that have said something, those that are ready first. It is called with the lock held.
func (g *Gateway) answering() []dataplane.Pod {
	var pods []dataplane.Pod
	for _, f := range g.pods {
		if f.status != nil {
			pods = append(pods, f.pod)
		}
	}
	slices.SortFunc(pods, func(a, b dataplane.Pod) int {
		if a.Ready != b.Ready {
			if a.Ready {
				return -1
			}
			return 1
		}
		return cmp.Compare(a.Name, b.Name)
	})
	return pods
}
