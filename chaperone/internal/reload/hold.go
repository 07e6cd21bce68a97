package reload

import (
	"maps"
	"slices"
	"time"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// follow tells the source whose endpoints are wanted.
func (c *Controller) follow() {
	set := map[string]struct{}{}
	for _, service := range c.document.Services() {
		set[service.Namespace] = struct{}{}
	}
	namespaces := slices.Sorted(maps.Keys(set))
	if !slices.Equal(namespaces, c.namespaces) {
		c.namespaces = namespaces
		holdFor := c.config.HoldFor
		if c.live == nil {
			holdFor = c.config.HoldFirstFor
		}
		c.holdUntil = c.config.Clock.Now().Add(holdFor)
		c.config.Follow(namespaces)
	}
}

// held is how long new routing still waits for the endpoints of namespaces that were not routed to before:
// without them its services would seem to have none, and a route that moves there would answer 503.
func (c *Controller) held() time.Duration {
	for _, namespace := range c.namespaces {
		if c.config.Inputs.isAwaited(namespace) {
			return c.holdUntil.Sub(c.config.Clock.Now())
		}
	}
	return 0
}

// endpointsOf are the endpoints of a service now or, where its namespace cannot be looked into, those that
// were last known.
func (c *Controller) endpointsOf(service routing.Service) []ghostconf.Endpoint {
	if !c.config.Inputs.isSynced(service.Namespace) {
		return c.known[service.ID]
	}
	found := c.config.Inputs.endpointsOf(service)
	c.known[service.ID] = found
	return found
}

// prune forgets the endpoints of services that are not routed to any more.
func (c *Controller) prune() {
	routed := map[string]bool{}
	for _, service := range c.document.Services() {
		routed[service.ID] = true
	}
	maps.DeleteFunc(c.known, func(id string, _ []ghostconf.Endpoint) bool { return !routed[id] })
}
