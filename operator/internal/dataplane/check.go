package dataplane

import (
	"cmp"
	"context"
	"crypto/sha256"
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

// Check has a pod of the Gateway compile VCL, without effect. It does not wait: once a pod has said whether the VCL compiles,
// the Gateway is reported as changed, and the next call tells. Each VCL is compiled once; it is compiled again where the pod that
// refused it is gone, since another may run another image. Where no pod answers, the first that does is reported as a change too.
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
	d.running.Go(func() {
		defer cancel()
		d.check(ctx, gateway, g, c, vcl)
	})
	return c.result
}

// check asks the pods that answer, one after the other, until one gives a result. It gives up when there are none left.
func (d *Directory) check(ctx context.Context, gateway types.NamespacedName, g *followed, c *checking, vcl []byte) {
	for pause := minPause; ; pause = min(2*pause, maxPause) {
		d.mu.Lock()
		pods := g.answering()
		d.mu.Unlock()
		if len(pods) == 0 {
			d.checked(ctx, gateway, g, c, Check{}, "")
			return
		}
		for _, pod := range pods {
			result, err := g.asker.check(ctx, pod.IP, vcl)
			if err == nil {
				d.checked(ctx, gateway, g, c, result, pod.UID)
				return
			}
			d.log.Debug("a pod does not check VCL", zap.Stringer("gateway", gateway), zap.String("pod", pod.Name), zap.Error(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
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
