package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/policy"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/shared/routing"
)

const kindVarnishCachePolicy = v1alpha1.KindVarnishCachePolicy

// cacheLevels are the cache policies that hold for a rule, the most specific first.
type cacheLevels []policy.Level[*v1alpha1.VarnishCachePolicy]

func attachCachePolicies(policies []*v1alpha1.VarnishCachePolicy) policy.Index[*v1alpha1.VarnishCachePolicy] {
	return policy.Attach(kindVarnishCachePolicy, policies, func(p *v1alpha1.VarnishCachePolicy) []policy.Target {
		return policy.LocalTargets(p, p.Spec.TargetRefs)
	})
}

// gatewayTarget is the Gateway, or a listener of it.
func gatewayTarget(gateway *gatewayv1.Gateway, listener string) policy.Target {
	return policy.Target{
		Group: gatewayv1.GroupName, Kind: kindGateway, Namespace: gateway.Namespace, Name: gateway.Name, Section: listener,
	}
}

// routeTarget is the route, or a rule of it.
func routeTarget(route *gatewayv1.HTTPRoute, rule string) policy.Target {
	return policy.Target{
		Group: gatewayv1.GroupName, Kind: kindHTTPRoute, Namespace: route.Namespace, Name: route.Name, Section: rule,
	}
}

// attachToGateway notes the cache policies of the Gateway and its listeners.
func (g *gateway) attachToGateway(index policy.Index[*v1alpha1.VarnishCachePolicy]) {
	whole := gatewayTarget(g.object, "")
	targets := []policy.Target{whole}
	for _, l := range g.listeners {
		targets = append(targets, gatewayTarget(g.object, string(l.spec.Name)))
	}
	for _, level := range index.Chain(targets...) {
		level.Attach(&g.policies)
	}
	missing := index.Missing(whole, func(section string) bool {
		return slices.ContainsFunc(g.listeners, func(l *listener) bool { return string(l.spec.Name) == section })
	})
	for _, level := range missing {
		level.Miss(&g.policies)
	}
}

// cache settles by which policies the rules of a route are cached at the Gateway.
func (g *gateway) cache(p *publication, index policy.Index[*v1alpha1.VarnishCachePolicy]) {
	whole := routeTarget(p.object, "")
	names := p.translation.ruleNames
	for _, level := range index.Missing(whole, func(section string) bool { return slices.Contains(names, section) }) {
		level.Miss(&g.policies)
	}
	var rules []routing.Rule
	for i := range p.route.Rules {
		id, affected, differ := g.cachePolicy(p, names[i], index)
		p.affected.policies = addMissing(p.affected.policies, affected...)
		if differ {
			p.affected.differ = append(p.affected.differ, fmt.Sprintf("rules[%d]", i))
		}
		if id == "" {
			continue
		}
		if rules == nil {
			// Other Gateways share the rules.
			rules = slices.Clone(p.route.Rules)
		}
		rules[i].CachePolicy = id
	}
	if rules != nil {
		p.route.Rules = rules
	}
}

// cachePolicy is the ID of the record for a rule, or "", with the names of the policies that say so. Listeners may have
// policies of their own. Where these differ for a rule, its requests are passed.
func (g *gateway) cachePolicy(p *publication, rule string, index policy.Index[*v1alpha1.VarnishCachePolicy]) (id string, affected []string, differ bool) {
	for i, l := range p.listeners {
		levels := cacheLevels(index.Chain(ruleTargets(p.object, rule, g.object, string(l.spec.Name))...))
		for _, level := range levels {
			level.Attach(&g.policies)
			affected = addMissing(affected, level.Policies[0].Namespace+"/"+level.Policies[0].Name)
		}
		record := levels.record()
		switch {
		case i == 0:
			id = record.ID
		case record.ID != id:
			differ = true
		}
		if record.ID != "" {
			g.cachePolicies[record.ID] = record
		}
	}
	if differ {
		return "", affected, true
	}
	return id, affected, false
}

// namedCachePolicies are the records that published rules name, ordered by ID.
func (g *gateway) namedCachePolicies() []routing.CachePolicy {
	named := map[string]routing.CachePolicy{}
	for _, route := range g.routes {
		for i := range route.Rules {
			if id := route.Rules[i].CachePolicy; id != "" {
				named[id] = g.cachePolicies[id]
			}
		}
	}
	return slices.SortedFunc(maps.Values(named), func(a, b routing.CachePolicy) int { return cmp.Compare(a.ID, b.ID) })
}

// ruleTargets are the targets whose policies hold for a rule, the most specific first.
func ruleTargets(route *gatewayv1.HTTPRoute, rule string, gateway *gatewayv1.Gateway, listener string) []policy.Target {
	var targets []policy.Target
	if rule != "" {
		targets = append(targets, routeTarget(route, rule))
	}
	return append(targets, routeTarget(route, ""), gatewayTarget(gateway, listener), gatewayTarget(gateway, ""))
}

// record is what holds for a rule; the zero record where its requests are passed: there is no policy, one says so, or one
// is invalid.
func (levels cacheLevels) record() routing.CachePolicy {
	var settings []cacheSettings
	var names []string
	for _, level := range levels {
		inForce := level.Policies[0]
		own := settingsOf(inForce)
		if _, problems := own.record(); len(problems) > 0 {
			return routing.CachePolicy{}
		}
		settings = append(settings, own)
		names = append(names, inForce.Namespace+"/"+inForce.Name)
	}
	if len(settings) == 0 {
		return routing.CachePolicy{}
	}
	merged, _ := policy.Merge(settings...)
	if merged.Mode == v1alpha1.CacheModePass {
		return routing.CachePolicy{}
	}
	record, _ := merged.record()
	record.Policies = names
	id, err := routing.CachePolicyID(record)
	if err != nil {
		// It is not UTF-8, which an API server takes from nobody.
		return routing.CachePolicy{}
	}
	record.ID = id
	return record
}

// cachePolicyVerdict is what is said of a VarnishCachePolicy that is in force.
func cachePolicyVerdict(object metav1.Object) report.Condition {
	c := report.Condition{
		Status:  metav1.ConditionTrue,
		Reason:  string(gatewayv1.PolicyReasonAccepted),
		Message: "The policy holds.",
	}
	p, ok := object.(*v1alpha1.VarnishCachePolicy)
	if !ok {
		return c
	}
	if _, problems := settingsOf(p).record(); len(problems) > 0 {
		c.Status, c.Reason = metav1.ConditionFalse, string(gatewayv1.PolicyReasonInvalid)
		c.Message = strings.Join(problems, ", ") + ". Requests that it would hold for are passed."
	}
	return c
}

// cacheEffect is what cache policies do to a route.
type cacheEffect struct {
	// policies that hold for its rules, by name.
	policies []string
	// differ are the rules for which the policies of the listeners do not say the same.
	differ []string
}

// condition of a route that cache policies hold for (GEP-713).
func (e cacheEffect) condition() report.Condition {
	message := fmt.Sprintf("Objects of kind %s hold for rules of the route: %s.", kindVarnishCachePolicy, strings.Join(e.policies, ", "))
	if len(e.differ) > 0 {
		message += " Requests of " + strings.Join(e.differ, ", ") + " are passed, since the policies of the listeners differ."
	}
	return report.Condition{
		Type: inputs.ConditionCachePolicyAffected, Status: metav1.ConditionTrue, Reason: report.ReasonPolicyAffected, Message: message,
	}
}

// addMissing adds names that a list does not have.
func addMissing(list []string, names ...string) []string {
	for _, name := range names {
		if !slices.Contains(list, name) {
			list = append(list, name)
		}
	}
	return list
}
