package translate

import (
	"cmp"
	"fmt"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// publication is a route that is attached to a Gateway, with what is published of it.
type publication struct {
	object      *gatewayv1.HTTPRoute
	translation *routeTranslation
	listeners   []*listener
	route       routing.Route
	services    []routing.Service
	// affected are the cache policies that hold for its rules.
	affected []string
	// size in bytes as the limits count it.
	size int
}

// empty tells whether there is nothing to publish: nothing serves the route, or nothing can match.
func (p *publication) empty() bool { return len(p.route.Attachments) == 0 || len(p.route.Rules) == 0 }

func (p *publication) measure(cachePolicies map[string]routing.CachePolicy) {
	p.size = recordSize(p.route)
	for _, service := range p.services {
		p.size += recordSize(service)
	}
	for _, id := range cachePolicyIDs(&p.route) {
		p.size += recordSize(cachePolicies[id])
	}
}

// recordSize is the size of a record. One that cannot be encoded is not UTF-8, which an API server takes from nobody:
// whoever writes it reports that.
func recordSize(record any) int {
	size, err := routing.RecordSize(record)
	if err != nil {
		return 0
	}
	return size
}

// publish settles which of the attached routes are published, once all are attached, and counts them. A route has a
// limit, and so have all together: nobody's routes may keep those of others from being published.
func (g *gateway) publish(objects *objects) {
	g.attachToGateway(objects.cachePolicies)
	g.tooLarge = map[*gatewayv1.HTTPRoute]problem{}
	g.affected = map[*gatewayv1.HTTPRoute][]string{}
	published := make([]*publication, 0, len(g.publications))
	for i := range g.publications {
		p := &g.publications[i]
		if p.empty() {
			continue
		}
		g.cache(p, objects.cachePolicies)
		if len(p.affected) > 0 {
			g.affected[p.object] = p.affected
		}
		p.measure(g.cachePolicies)
		if p.size > routing.RouteLimit && !g.reduce(p) {
			continue
		}
		published = append(published, p)
	}
	for _, p := range g.fit(published) {
		g.routes = append(g.routes, p.route)
		g.policies.AddAll(p.translation.policies)
		for _, service := range p.services {
			g.services[service.ID] = service
		}
	}
	for _, p := range g.publications {
		if _, tooLarge := g.tooLarge[p.object]; tooLarge || p.translation.soundRules == 0 {
			continue
		}
		for _, l := range p.listeners {
			l.attached++
		}
	}
	g.publications = nil
}

// reduce makes a route that is too large answer 500 to what it matches, so that its requests do not fall to a rule that
// is less strict. It is false where its matches alone are too large.
func (g *gateway) reduce(p *publication) bool {
	tooLarge := problem{reason: string(gatewayv1.RouteReasonUnsupportedValue), message: fmt.Sprintf(
		"the route takes %d KiB of the Gateway's configuration, and no route may take more than %d KiB",
		(p.size+1023)>>10, routing.RouteLimit>>10)}
	rules := make([]routing.Rule, 0, len(p.route.Rules))
	for _, rule := range p.route.Rules {
		rules = append(rules, routing.Rule{ID: rule.ID, Matches: rule.Matches, Invalid: "the route is too large"})
	}
	p.route.Rules, p.services = rules, nil
	p.measure(g.cachePolicies)
	fits := p.size <= routing.RouteLimit
	if fits {
		tooLarge.message += ". Requests that it matches are answered 500"
	} else {
		tooLarge.message += ". It matches nothing, since its matches alone are larger than that"
	}
	g.tooLarge[p.object] = tooLarge
	return fits
}

// fit leaves out what is beyond the limit of all routes. The namespace whose routes take the most loses its newest ones
// first, so whoever has few routes keeps them whatever others do.
func (g *gateway) fit(all []*publication) []*publication {
	total, sizes, oldestFirst := 0, map[string]int{}, map[string][]*publication{}
	for _, p := range all {
		total += p.size
		sizes[p.object.Namespace] += p.size
	}
	if total <= routing.TotalLimit {
		return all
	}
	for _, p := range all {
		oldestFirst[p.object.Namespace] = append(oldestFirst[p.object.Namespace], p)
	}
	for _, list := range oldestFirst {
		slices.SortStableFunc(list, func(a, b *publication) int {
			return cmp.Or(a.object.CreationTimestamp.Compare(b.object.CreationTimestamp.Time), cmp.Compare(a.object.Name, b.object.Name))
		})
	}
	for total > routing.TotalLimit {
		most := ""
		for namespace, size := range sizes {
			if size > sizes[most] || size == sizes[most] && namespace > most {
				most = namespace
			}
		}
		list := oldestFirst[most]
		newest := list[len(list)-1]
		oldestFirst[most] = list[:len(list)-1]
		sizes[most] -= newest.size
		total -= newest.size
		g.tooLarge[newest.object] = problem{reason: report.ReasonNoResources, message: fmt.Sprintf(
			"the Gateway's routes take more than the %d MiB that they may take together, and those of namespace %q take the most. "+
				"The route is not published", routing.TotalLimit>>20, most)}
	}
	return slices.DeleteFunc(all, func(p *publication) bool {
		left, ok := g.tooLarge[p.object]
		return ok && left.reason == report.ReasonNoResources
	})
}
