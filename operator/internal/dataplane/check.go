package dataplane

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"
)

// CheckState says how far a check of VCL is.
type CheckState int

// The states of a check.
const (
	// NoCheck means that there is nothing to check.
	NoCheck CheckState = iota
	// Unheard means that no pod answers that could be asked.
	Unheard
	// Checking means that a pod is compiling it.
	Checking
	// Refused means that it does not compile.
	Refused
	// Compiles means that it does.
	Compiles
)

// Check of VCL that is not published yet.
type Check struct {
	State CheckState
	// Message of the compiler where it refuses the VCL.
	Message string
}

// checking is a check of a Gateway's VCL under way, or done.
type checking struct {
	// digest of the VCL.
	digest [sha256.Size]byte
	cancel context.CancelFunc
	result Check
	// pod is the UID of the one that gave the result.
	pod string
}

// Pauses before VCL that was refused is compiled again: the host of a backend may have an address later.
const (
	minRefusedPause = 5 * time.Second
	maxRefusedPause = 5 * time.Minute
)

// Check has a pod of the Gateway compile VCL, without effect. It does not wait: the Gateway is reported as changed once a pod has
// said whether the VCL compiles, and when that changes; the next call tells. VCL that compiles is compiled once. What was refused is
// tried again now and then, and at once where the pod that refused it is gone, since another may run another image. Where no pod
// answers, the first that does is reported as a change too.
func (d *Directory) Check(gateway types.NamespacedName, vcl []byte) Check {
	d.mu.Lock()
	defer d.mu.Unlock()
	g := d.gateways[gateway]
	if g == nil {
		return Check{State: Unheard}
	}
	digest := sha256.Sum256(vcl)
	if c := g.check; c != nil && c.digest == digest && (c.pod == "" || g.pods[c.pod] != nil) {
		return c.result
	}
	g.endCheck()
	if len(g.answering()) == 0 {
		return Check{State: Unheard}
	}
	ctx, cancel := context.WithCancel(d.ctx)
	c := &checking{digest: digest, cancel: cancel, result: Check{State: Checking}}
	g.check = c
	log := d.log.With(zap.Stringer("gateway", gateway))
	d.running.Go(func() {
		defer cancel()
		repeat(ctx, func() (Check, string, error) { return d.askAny(ctx, g, vcl) }, log, func(result Check, pod string) {
			d.checked(ctx, gateway, g, c, result, pod)
		})
	})
	return c.result
}

// Withdraw says that there is no VCL to check.
func (d *Directory) Withdraw(gateway types.NamespacedName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if g := d.gateways[gateway]; g != nil {
		g.endCheck()
	}
}

// errNobody means that no pod answers.
var errNobody = errors.New("no pod answers")

// repeat asks until VCL compiles or nobody answers, and tells each result that differs from the one before.
func repeat(ctx context.Context, ask func() (Check, string, error), log *zap.Logger, tell func(Check, string)) {
	var last Check
	pause, refusedPause := minPause, minRefusedPause
	for ctx.Err() == nil {
		result, pod, err := ask()
		if errors.Is(err, errNobody) {
			tell(Check{}, "")
			return
		}
		wait := refusedPause
		if err != nil {
			log.Debug("VCL could not be checked", zap.Error(err), zap.Duration("retryIn", pause))
			wait, pause = pause, min(2*pause, maxPause)
		} else {
			if result != last {
				last = result
				tell(result, pod)
			}
			if result.State == Compiles {
				return
			}
			pause, refusedPause = minPause, min(2*refusedPause, maxRefusedPause)
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// askAny asks the pods that answer, one after the other, until one gives a result, and returns whose it is.
func (d *Directory) askAny(ctx context.Context, g *followed, vcl []byte) (Check, string, error) {
	d.mu.Lock()
	pods := g.answering()
	d.mu.Unlock()
	err := errNobody
	for _, pod := range pods {
		var result Check
		if result, err = g.asker.check(ctx, pod.IP, vcl); err == nil {
			return result, pod.UID, nil
		}
		err = fmt.Errorf("pod %s: %w", pod.Name, err)
	}
	return Check{}, "", err
}

// checked notes the result of a check, or that there is none, and reports the Gateway as changed.
func (d *Directory) checked(ctx context.Context, gateway types.NamespacedName, g *followed, c *checking, result Check, pod string) {
	d.mu.Lock()
	if ctx.Err() != nil {
		d.mu.Unlock()
		return
	}
	c.result, c.pod = result, pod
	if result.State == NoCheck {
		g.check = nil
	}
	d.mu.Unlock()
	d.changed(gateway)
}

// endCheck forgets the check of a Gateway's VCL. It is called with the directory's lock held.
func (g *followed) endCheck() {
	if g.check != nil {
		g.check.cancel()
		g.check = nil
	}
}

// answering are the pods that have said something, those that are ready first. It is called with the directory's lock held.
func (g *followed) answering() []Pod {
	var pods []Pod
	for _, f := range g.pods {
		if f.status != nil {
			pods = append(pods, f.pod)
		}
	}
	slices.SortFunc(pods, func(a, b Pod) int {
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
