package invalidation

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/backoff"
	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// askAgain is when a pod is asked again that has not answered.
var askAgain = backoff.Backoff{First: 100 * time.Millisecond, Last: 5 * time.Second}

// pods is what a Carrier needs to know of the cluster.
type pods interface {
	pods(ctx context.Context, gateway types.NamespacedName) ([]*corev1.Pod, error)
	pod(ctx context.Context, key types.NamespacedName) (*corev1.Pod, error)
	credential(ctx context.Context, gateway types.NamespacedName) (workload.Credential, error)
}

// asker has a pod carry out an order.
type asker interface {
	Invalidate(ctx context.Context, ip string, order []byte) error
	Close()
}

// Carrier asks pods. It is safe for concurrent use.
type Carrier struct {
	cluster pods
	newest  func(workload.Credential) (asker, error)

	mu sync.Mutex
	// clients of Gateways, each with the credential that it was made of.
	clients map[types.NamespacedName]known
}

type known struct {
	client     asker
	credential string
}

// NewCarrier knows pods by the caches of the operator.
func NewCarrier(cluster *Cluster) *Carrier {
	return &Carrier{
		cluster: cluster, clients: map[types.NamespacedName]known{},
		newest: func(c workload.Credential) (asker, error) { return dataplane.NewClient(c) },
	}
}

// Plan looks up which pods of Gateways may have cached something before a time of the API server's,
// or before now where it is zero, and are to carry out an order.
func (c *Carrier) Plan(ctx context.Context, order []byte, gateways []types.NamespacedName, before time.Time) (*Run, error) {
	run := &Run{carrier: c, order: order, gateways: gateways}
	for _, gateway := range gateways {
		pods, err := c.cluster.pods(ctx, gateway)
		if err != nil {
			return nil, err
		}
		for _, pod := range pods {
			if mayHaveObjects(pod, before) {
				run.pods = append(run.pods, &target{gateway: gateway, pod: pod, state: asking})
			}
		}
	}
	return run, nil
}

// ask has a pod carry out an order, once.
func (c *Carrier) ask(ctx context.Context, gateway types.NamespacedName, ip string, order []byte) error {
	credential, err := c.cluster.credential(ctx, gateway)
	if err != nil {
		return err
	}
	client, err := c.client(gateway, credential)
	if err != nil {
		return fmt.Errorf("use the credential of the admin API: %w", err)
	}
	return client.Invalidate(ctx, ip, order)
}

// client asks the pods of a Gateway with a credential. One that has another is closed.
func (c *Carrier) client(gateway types.NamespacedName, credential workload.Credential) (asker, error) {
	identity := credential.Token + string(credential.Certificate)
	c.mu.Lock()
	defer c.mu.Unlock()
	before, there := c.clients[gateway]
	if there && before.credential == identity {
		return before.client, nil
	}
	client, err := c.newest(credential)
	if err != nil {
		return nil, err
	}
	if there {
		before.client.Close()
	}
	c.clients[gateway] = known{client, identity}
	return client, nil
}

// deliver asks a pod until it has carried out the order, refuses it, or has lost its cache, or
// until ctx ends. tell is told of each attempt that failed.
func (c *Carrier) deliver(ctx context.Context, t *target, order []byte, tell func(error)) state {
	ip, again := t.pod.Status.PodIP, askAgain
	for {
		err := c.ask(ctx, t.gateway, ip, order)
		var refused *dataplane.RefusedError
		switch {
		case err == nil:
			return done
		case errors.As(err, &refused):
			tell(err)
			return failed
		case ctx.Err() == nil:
			tell(err)
		}
		now, err := c.cluster.pod(context.WithoutCancel(ctx), client.ObjectKeyFromObject(t.pod))
		switch {
		case err != nil:
			tell(err)
		case hasLostCache(now, t.pod):
			return gone
		case now.Status.PodIP != "":
			ip = now.Status.PodIP
		}
		if backoff.Sleep(ctx, again.Next()); ctx.Err() != nil {
			return failed
		}
	}
}
