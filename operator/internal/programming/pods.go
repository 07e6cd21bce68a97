package programming

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/operator/internal/backoff"
	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// askAgain is when a pod is asked again that has not answered, such as one that starts.
var askAgain = backoff.Backoff{First: 100 * time.Millisecond, Last: 5 * time.Second}

// follower asks one pod for what it runs.
type follower struct {
	cancel context.CancelFunc
	// pod and status are guarded by the Gateway's lock.
	pod    dataplane.Pod
	status *adminapi.Status
}

// Observe says which pods the Gateway has now, and returns what each said last, ordered by name. From then on the Gateway is reported as
// changed when one of them has something new to say.
func (g *Gateway) Observe(credential workload.Credential, pods []dataplane.Pod) ([]dataplane.Observation, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if err := g.useCredential(credential); err != nil {
		return nil, err
	}
	gone := maps.Clone(g.pods)
	observations := make([]dataplane.Observation, 0, len(pods))
	for _, pod := range pods {
		observation := dataplane.Observation{Pod: pod}
		if pod.IP != "" && !pod.Leaving {
			f := g.pods[pod.UID]
			if f == nil || f.pod.IP != pod.IP {
				f = g.follow(pod)
			}
			f.pod = pod
			delete(gone, pod.UID)
			observation.Status = f.status
		}
		observations = append(observations, observation)
	}
	for uid, f := range gone {
		f.cancel()
		delete(g.pods, uid)
	}
	slices.SortFunc(observations, func(a, b dataplane.Observation) int { return cmp.Compare(a.Name, b.Name) })
	return observations, nil
}

// Troubles are what pods that are not ready say of varnishd, by the names of the pods.
func (g *Gateway) Troubles() map[string]string {
	g.mu.Lock()
	defer g.mu.Unlock()
	troubles := map[string]string{}
	for _, f := range g.pods {
		if trouble := (dataplane.Observation{Pod: f.pod, Status: f.status}).Trouble(); trouble != "" {
			troubles[f.pod.Name] = trouble
		}
	}
	return troubles
}

// useCredential asks the pods with this credential. With another one, nothing holds that was said before.
func (g *Gateway) useCredential(credential workload.Credential) error {
	identity := credential.Token + string(credential.Certificate)
	if g.client != nil && g.credential == identity {
		return nil
	}
	client, err := dataplane.NewClient(credential)
	if err != nil {
		return fmt.Errorf("use the credential of the admin API: %w", err)
	}
	g.endFollowing()
	g.client, g.credential = client, identity
	return nil
}

// endFollowing stops asking pods. It is called with the lock held.
func (g *Gateway) endFollowing() {
	for uid, f := range g.pods {
		f.cancel()
		delete(g.pods, uid)
	}
	g.endCheck()
	if g.client != nil {
		g.client.Close()
		g.client = nil
	}
}

func (g *Gateway) follow(pod dataplane.Pod) *follower {
	if before := g.pods[pod.UID]; before != nil {
		before.cancel()
	}
	ctx, cancel := context.WithCancel(g.ctx)
	f := &follower{pod: pod, cancel: cancel}
	g.pods[pod.UID] = f
	client, log := g.client, g.log.With(zap.String("pod", pod.Name))
	g.store.tasks.start(func() {
		defer cancel()
		ask(ctx, client, pod.IP, log, func(s *adminapi.Status) {
			g.mu.Lock()
			f.status = s
			g.mu.Unlock()
			g.store.options.Changed(g.key)
		})
	})
	return f
}

// ask calls tell with each new status of a pod until ctx ends.
func ask(ctx context.Context, client *dataplane.Client, ip string, log *zap.Logger, tell func(*adminapi.Status)) {
	var last int64
	retry := askAgain
	for ctx.Err() == nil {
		status, err := client.Status(ctx, ip, last)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			wait := retry.Next()
			log.Debug("a pod does not tell what it runs", zap.Error(err), zap.Duration("retryIn", wait))
			backoff.Sleep(ctx, wait)
			// A chaperone that was started again counts from the beginning.
			last = 0
			continue
		}
		retry.Reset()
		if status.Revision != last {
			last = status.Revision
			tell(status)
		}
	}
}
