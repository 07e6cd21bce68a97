package reload

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/merge"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// follow tells the source whose endpoints are wanted: those of the document in effect, and of the one that is to come.
func (c *Controller) follow() {
	set := map[string]time.Time{}
	for _, document := range []*merge.Document{c.document, c.next} {
		for _, namespace := range namespacesOf(document) {
			since, known := c.followed[namespace]
			if !known {
				since = c.config.Clock.Now()
			}
			set[namespace] = since
		}
	}
	same := maps.EqualFunc(set, c.followed, func(_, _ time.Time) bool { return true })
	c.followed = set
	if !same {
		c.config.Follow(slices.Sorted(maps.Keys(set)))
	}
}

// namespacesOf are the namespaces of a document's services, in order; none of no document.
func namespacesOf(document *merge.Document) []string {
	if document == nil {
		return nil
	}
	set := map[string]struct{}{}
	for _, service := range document.Services() {
		set[service.Namespace] = struct{}{}
	}
	return slices.Sorted(maps.Keys(set))
}

// maxHolds bounds how often HoldFor newer routing may wait, where one change after the other brings a new namespace.
const maxHolds = 3

// adopt puts newer routing in the place of the document, unless it still waits for endpoints of namespaces that were not routed to
// before: without them its services would seem to have none, and a route that moves there would answer 503. Meanwhile the document
// in effect follows its own endpoints. It gives how long the wait may last.
func (c *Controller) adopt() (wait time.Duration) {
	c.waiting = ""
	if c.next == nil {
		return 0
	}
	awaited, wait := c.awaiting()
	if wait > 0 {
		c.waiting = fmt.Sprintf("routing.json (sequence %d) waits for the endpoints of namespace %s", c.next.Sequence(), strings.Join(awaited, ", "))
		return wait
	}
	c.document, c.next = c.next, nil
	c.prune()
	c.follow()
	return 0
}

// awaiting gives the namespaces that newer routing waits for, and how long it still may.
func (c *Controller) awaiting() (awaited []string, wait time.Duration) {
	holdFor := c.config.HoldFor
	if c.live == nil {
		holdFor = c.config.HoldFirstFor
	}
	now := c.config.Clock.Now()
	for _, namespace := range namespacesOf(c.next) {
		if left := c.followed[namespace].Add(holdFor).Sub(now); left > 0 && c.config.Inputs.isAwaited(namespace) {
			awaited, wait = append(awaited, namespace), max(wait, left)
		}
	}
	return awaited, max(0, min(wait, c.nextSince.Add(maxHolds*holdFor).Sub(now)))
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
