package invalidation

import (
	"fmt"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// Orders is the body with which a pod is told what is invalidated of what routes of a namespace
// have cached. An error names the field that is wrong.
func Orders(namespace string, what v1alpha1.CacheInvalidation) ([]byte, error) {
	orders, err := ordersOf(what)
	if err != nil {
		return nil, err
	}
	for i := range orders {
		orders[i].Namespace = namespace
		orders[i].Soft = what.Mode == v1alpha1.InvalidationSoft
	}
	body, err := ghostconf.EncodeInvalidations(ghostconf.Invalidations{Invalidations: orders})
	if err == nil && len(body) > adminapi.MaxInvalidations {
		err = fmt.Errorf("it names too much at once: %d bytes, where %d are allowed", len(body), adminapi.MaxInvalidations)
	}
	return body, err
}

func ordersOf(what v1alpha1.CacheInvalidation) ([]ghostconf.Invalidation, error) {
	var orders []ghostconf.Invalidation
	for i, text := range what.URLs {
		var order ghostconf.Invalidation
		if err := order.SetURL(string(text), false); err != nil {
			return nil, fmt.Errorf("urls[%d]: %w", i, err)
		}
		orders = append(orders, order)
	}
	for i, text := range what.Prefixes {
		var order ghostconf.Invalidation
		if err := order.SetURL(string(text), true); err != nil {
			return nil, fmt.Errorf("prefixes[%d]: %w", i, err)
		}
		orders = append(orders, order)
	}
	for _, host := range what.Hosts {
		var order ghostconf.Invalidation
		order.SetHost(string(host))
		orders = append(orders, order)
	}
	for _, tag := range what.Tags {
		orders = append(orders, ghostconf.Invalidation{Tag: string(tag)})
	}
	if what.Route != "" || what.Policy != "" || what.All {
		orders = append(orders, ghostconf.Invalidation{Route: what.Route, Policy: what.Policy, All: what.All})
	}
	return orders, nil
}
