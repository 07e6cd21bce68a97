package invalidation

import (
	"context"
	"time"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// Now carries out orders at once, and keeps nothing of them.
type Now struct {
	Cluster *Cluster
	Carrier *Carrier
}

// Invalidate has every pod that may have objects of routes of a namespace carry out an order, and
// says what became of it at each Gateway. Pods that do not answer are asked again until ctx ends.
// An error means that no pod was asked.
func (n *Now) Invalidate(ctx context.Context, namespace string, order []byte) ([]v1alpha1.InvalidatedGateway, error) {
	gateways, _, err := n.Cluster.Serving(ctx, namespace)
	if err != nil {
		return nil, err
	}
	var zero time.Time
	run, err := n.Carrier.Plan(ctx, order, gateways, zero)
	if err != nil {
		return nil, err
	}
	run.Do(ctx)
	return run.Gateways(string(n.Cluster.Controller)), nil
}
