package translate

import (
	"reflect"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/policy"
)

// Caching says by which policies the answers of a rule are cached at a listener.
type Caching struct {
	// Policies in force for the rule, the most specific first.
	Policies []PolicyInForce `json:"policies,omitempty"`
	// Fields that are set, in the order of the specification, each by the most specific policy that
	// sets it.
	Fields []PolicyField `json:"fields,omitempty"`
	// Passed says why requests are passed; empty where they may be cached.
	Passed string `json:"passed,omitempty"`
}

// PolicyInForce is a policy that holds for a rule.
type PolicyInForce struct {
	// Name of the policy, as "namespace/name".
	Name string `json:"name"`
	// Target that it holds at: a rule, an HTTPRoute, a listener or a Gateway.
	Target string `json:"target"`
	// Conflicting are policies of the same target ("namespace/name"), which do not hold.
	Conflicting []string `json:"conflicting,omitempty"`
}

// PolicyField is a field of a policy that is set.
type PolicyField struct {
	// Path of the field in the policy's spec, such as "freshness.defaultTTL".
	Path string `json:"path"`
	// Value as the policy has it.
	Value any `json:"value"`
	// Policy that it comes from, as "namespace/name".
	Policy string `json:"policy"`
	// Target that the policy holds at.
	Target string `json:"target"`
}

// CachingOf says how the answers of a rule, given by its place in the route, are cached at a listener.
func CachingOf(
	policies []*v1alpha1.VarnishCachePolicy, gateway *gatewayv1.Gateway, listener string, route *gatewayv1.HTTPRoute, rule int,
) Caching {
	targets := ruleTargets(route, ruleName(&route.Spec.Rules[rule]), gateway, listener)
	levels := cacheLevels(attachCachePolicies(policies).Chain(targets...))
	var caching Caching
	var settings []cacheSettings
	for _, level := range levels {
		inForce := level.Policies[0]
		p := PolicyInForce{Name: inForce.Namespace + "/" + inForce.Name, Target: place(level.Target)}
		for _, other := range level.Policies[1:] {
			p.Conflicting = append(p.Conflicting, other.Namespace+"/"+other.Name)
		}
		caching.Policies = append(caching.Policies, p)
		settings = append(settings, settingsOf(inForce))
	}
	merged, from := policy.Merge(settings...)
	value := reflect.ValueOf(merged)
	for i := range value.NumField() {
		field := value.Type().Field(i)
		if at, set := from[field.Name]; set {
			p := caching.Policies[at]
			caching.Fields = append(caching.Fields, PolicyField{
				Path: field.Tag.Get("field"), Value: value.Field(i).Interface(), Policy: p.Name, Target: p.Target,
			})
		}
	}
	caching.Passed = passed(levels, merged)
	return caching
}

// place is a target in the words of what it is a section of.
func place(target policy.Target) string {
	section := map[string]string{kindHTTPRoute: "rule", kindGateway: "listener"}[target.Kind]
	if target.Section == "" {
		return target.String()
	}
	return section + " " + target.Section + " of " + target.Whole().String()
}

// passed says why requests are passed; empty where they may be cached. It speaks of what record looks at.
func passed(levels cacheLevels, merged cacheSettings) string {
	switch {
	case len(levels) == 0:
		return "no VarnishCachePolicy holds"
	case levels.record().ID != "":
		return ""
	case merged.Mode == v1alpha1.CacheModePass:
		return "the policies say mode: Pass"
	}
	for _, level := range levels {
		if c := cachePolicyVerdict(level.Policies[0]); c.Status != "True" {
			return kindVarnishCachePolicy + " " + level.Policies[0].Namespace + "/" + level.Policies[0].Name + " is not valid: " + c.Message
		}
	}
	return "the policies cannot be used"
}
