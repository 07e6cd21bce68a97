package translate

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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
	return policy.Attach(kindVarnishCachePolicy, policies, cachePolicyTargets)
}

func cachePolicyTargets(p *v1alpha1.VarnishCachePolicy) []policy.Target {
	return policy.LocalTargets(p, p.Spec.TargetRefs)
}

// whatIsThere tells whether there is a Gateway or an HTTPRoute that a cache policy targets, be it ours
// or not.
func whatIsThere(in inputs.Inputs) func(policy.Target) bool {
	there := map[policy.Target]bool{}
	for _, g := range in.Gateways {
		there[gatewayTarget(g, "")] = true
	}
	for _, r := range in.HTTPRoutes {
		there[routeTarget(r, "")] = true
	}
	return func(target policy.Target) bool {
		name := types.NamespacedName{Namespace: target.Namespace, Name: target.Name}
		elsewhere := in.Elsewhere.HTTPRoutes
		if target.Kind == kindGateway {
			elsewhere = in.Elsewhere.Gateways
		}
		return there[target] || elsewhere[name]
	}
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
	// By rule, and then by listener.
	ids := make([][]string, len(p.route.Rules))
	differ := false
	for i := range p.route.Rules {
		for _, l := range p.listeners {
			ids[i] = append(ids[i], g.cachePolicy(p, names[i], string(l.spec.Name), index))
		}
		differ = differ || slices.ContainsFunc(ids[i], func(id string) bool { return id != ids[i][0] })
	}
	if differ {
		p.cacheByListener(ids)
	} else {
		p.cacheByRule(ids)
	}
}

// cacheByRule lets each rule name its policy: it is the same at every listener.
func (p *publication) cacheByRule(ids [][]string) {
	if !slices.ContainsFunc(ids, func(ids []string) bool { return len(ids) > 0 && ids[0] != "" }) {
		return
	}
	// Other Gateways share the rules.
	p.route.Rules = slices.Clone(p.route.Rules)
	for i := range p.route.Rules {
		p.route.Rules[i].CachePolicy = ids[i][0]
	}
}

// cacheByListener lets each attachment name the policies of the rules.
func (p *publication) cacheByListener(ids [][]string) {
	for i := range p.route.Attachments {
		attachment := &p.route.Attachments[i]
		at := slices.IndexFunc(p.listeners, func(l *listener) bool { return l.name() == attachment.Listener })
		for _, ids := range ids {
			attachment.CachePolicies = append(attachment.CachePolicies, ids[at])
		}
	}
}

// cachePolicy is the ID of the record for a rule at a listener, or "" where its requests are passed.
func (g *gateway) cachePolicy(p *publication, rule, listener string, index policy.Index[*v1alpha1.VarnishCachePolicy]) string {
	levels := cacheLevels(index.Chain(ruleTargets(p.object, rule, g.object, listener)...))
	for _, level := range levels {
		level.Attach(&g.policies)
		p.affected = addMissing(p.affected, level.Policies[0].Namespace+"/"+level.Policies[0].Name)
	}
	record := levels.record()
	if record.ID != "" {
		g.cachePolicies[record.ID] = record
	}
	return record.ID
}

// namedCachePolicies are the records that published rules name, ordered by ID.
func (g *gateway) namedCachePolicies() []routing.CachePolicy {
	named := map[string]routing.CachePolicy{}
	for i := range g.routes {
		for _, id := range cachePolicyIDs(&g.routes[i]) {
			named[id] = g.cachePolicies[id]
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

// cachePolicyIDs are the records that a route names, each once.
func cachePolicyIDs(route *routing.Route) []string {
	var ids []string
	add := func(id string) {
		if id != "" {
			ids = addMissing(ids, id)
		}
	}
	for i := range route.Rules {
		add(route.Rules[i].CachePolicy)
	}
	for _, attachment := range route.Attachments {
		for _, id := range attachment.CachePolicies {
			add(id)
		}
	}
	return ids
}

// cacheAffected is the condition of a route that cache policies hold for (GEP-713).
func cacheAffected(policies []string) report.Condition {
	return report.Condition{
		Type: inputs.ConditionCachePolicyAffected, Status: metav1.ConditionTrue, Reason: report.ReasonPolicyAffected,
		Message: fmt.Sprintf("Objects of kind %s hold for rules of the route: %s.", kindVarnishCachePolicy, strings.Join(policies, ", ")),
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
