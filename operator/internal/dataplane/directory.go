package dataplane

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// Pauses before a pod is asked again that has not answered, such as one that starts.
const (
	minPause = 100 * time.Millisecond
	maxPause = 5 * time.Second
)

// Directory follows the pods of all Gateways. It is safe for concurrent use.
type Directory struct {
	ctx     context.Context
	log     *zap.Logger
	changed func(types.NamespacedName)

	running  sync.WaitGroup
	mu       sync.Mutex
	gateways map[types.NamespacedName]*followed
}

// followed is a Gateway with those of its pods that are asked.
type followed struct {
	credential string
	asker      *asker
	pods       map[string]*follower
	// check of VCL that is not published yet; nil where there is none.
	check *checking
}

type follower struct {
	cancel context.CancelFunc
	// pod and status are guarded by the directory's lock.
	pod    Pod
	status *Status
}

// NewDirectory follows nobody yet. Changed is called with a Gateway when a pod of it has something new to say; all
// following ends with ctx.
func NewDirectory(ctx context.Context, log *zap.Logger, changed func(types.NamespacedName)) *Directory {
	return &Directory{ctx: ctx, log: log, changed: changed, gateways: map[types.NamespacedName]*followed{}}
}

// Wait returns when nobody is asked any more, once ctx has ended.
func (d *Directory) Wait() { d.running.Wait() }

// Follow says which pods a Gateway has now, and returns what each said last, ordered by name.
func (d *Directory) Follow(gateway types.NamespacedName, credential workload.Credential, pods []Pod) ([]Observation, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	g, err := d.gateway(gateway, credential)
	if err != nil {
		return nil, err
	}
	gone := maps.Clone(g.pods)
	observations := make([]Observation, 0, len(pods))
	for _, pod := range pods {
		observation := Observation{Pod: pod}
		if pod.IP != "" && !pod.Leaving {
			f := g.pods[pod.UID]
			if f == nil || f.pod.IP != pod.IP {
				f = d.follow(gateway, g, pod)
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
	slices.SortFunc(observations, func(a, b Observation) int { return cmp.Compare(a.Name, b.Name) })
	return observations, nil
}

// Forget stops asking a Gateway's pods.
func (d *Directory) Forget(gateway types.NamespacedName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.forget(gateway)
}

func (d *Directory) forget(gateway types.NamespacedName) {
	g := d.gateways[gateway]
	if g == nil {
		return
	}
	for _, f := range g.pods {
		f.cancel()
	}
	g.endCheck()
	g.asker.close()
	delete(d.gateways, gateway)
}

// gateway returns the record of a Gateway. Another credential begins a new one.
func (d *Directory) gateway(key types.NamespacedName, credential workload.Credential) (*followed, error) {
	identity := credential.Token + string(credential.Certificate)
	if g := d.gateways[key]; g != nil && g.credential == identity {
		return g, nil
	}
	d.forget(key)
	asker, err := newAsker(credential)
	if err != nil {
		return nil, err
	}
	g := &followed{credential: identity, asker: asker, pods: map[string]*follower{}}
	d.gateways[key] = g
	return g, nil
}

func (d *Directory) follow(gateway types.NamespacedName, g *followed, pod Pod) *follower {
	if before := g.pods[pod.UID]; before != nil {
		before.cancel()
	}
	ctx, cancel := context.WithCancel(d.ctx)
	f := &follower{pod: pod, cancel: cancel}
	g.pods[pod.UID] = f
	log := d.log.With(zap.Stringer("gateway", gateway), zap.String("pod", pod.Name))
	d.running.Go(func() {
		defer cancel()
		ask(ctx, g.asker, pod.IP, log, func(s *Status) {
			d.mu.Lock()
			f.status = s
			d.mu.Unlock()
			d.changed(gateway)
		})
	})
	return f
}

// ask calls tell with each new status of a pod until ctx ends.
func ask(ctx context.Context, asker *asker, ip string, log *zap.Logger, tell func(*Status)) {
	var last int64
	pause := minPause
	for ctx.Err() == nil {
		status, err := asker.status(ctx, ip, last)
		if err != nil {
			if ctx.Err() != nil {
				return
			}
			log.Debug("a pod does not tell what it runs", zap.Error(err), zap.Duration("retryIn", pause))
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
			// A chaperone that was started again counts from the beginning.
			pause, last = min(2*pause, maxPause), 0
			continue
		}
		pause = minPause
		if status.Revision != last {
			last = status.Revision
			tell(status)
		}
	}
}
