package translate

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/policy"
	"github.com/varnish-gateway/gateway/operator/internal/precedence"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// routeTranslation is a route while it is translated, and what became of it: the same for every Gateway
// that it attaches to. It depends on nothing but the route and the objects that its references name.
type routeTranslation struct {
	objects *objects
	rules   []routing.Rule
	// ruleNames are the names of the rules, at their places in the list; "" for one without.
	ruleNames []string
	// services that the rules refer to.
	services []routing.Service
	// policies that are attached to the services that the rules refer to.
	policies policy.Standings
	// unresolved references: their shares are answered 500.
	unresolved problems
	// invalid are what cannot be carried out as the route asks for it.
	invalid problems
	// ignored are fields that are not supported, and without which the rules hold.
	ignored problems
	// soundRules counts the rules of which at least one match serves.
	soundRules int
}

// translateRoute translates the rules of a route.
func translateRoute(route *gatewayv1.HTTPRoute, objects *objects) *routeTranslation {
	t := &routeTranslation{
		objects: objects,
		rules:   make([]routing.Rule, 0, len(route.Spec.Rules)),
	}
	if scope := route.Spec.UseDefaultGateways; scope != "" && scope != gatewayv1.GatewayDefaultScopeNone {
		t.ignored.add(string(gatewayv1.RouteReasonUnsupportedValue), "spec.useDefaultGateways", "default Gateways are not supported")
	}
	identities := ruleIdentities{route: identityOf(kindHTTPRoute, route)}
	rules := route.Spec.Rules
	if len(rules) == 0 {
		// The API server's default: one rule that fits every request, and has no backend.
		rules = []gatewayv1.HTTPRouteRule{{}}
	}
	list := fieldOf("spec.rules")
	for i := range rules {
		at := list.at(i)
		position := precedence.Position{
			Namespace: route.Namespace, Name: route.Name, Created: route.CreationTimestamp.Time, Rule: i,
		}
		rule, ok := t.translateRule(&at, position, &rules[i])
		if !ok {
			continue
		}
		rule.ID = identities.next(ruleName(&rules[i]), rule.Matches)
		t.rules = append(t.rules, rule)
		t.ruleNames = append(t.ruleNames, ruleName(&rules[i]))
	}
	return t
}

// translateRule translates one rule. A rule of which something cannot be carried out is kept, so that what
// it matches is answered 500 rather than by a less specific rule; only one without a sound match goes.
func (t *routeTranslation) translateRule(at *field, position precedence.Position, rule *gatewayv1.HTTPRouteRule) (routing.Rule, bool) {
	var r routing.Rule
	var broken, wrong problems
	matches, filters, backends := at.child("matches"), at.child("filters"), at.child("backendRefs")
	r.Matches = translateMatches(&matches, position, rule.Matches, &broken)
	checkUnsupportedFields(at, rule, &wrong)
	prefixes := prefixesOnly(r.Matches)
	r.Filters = translateFilters(filterScope{at: &filters, prefixesOnly: prefixes}, rule.Filters, &wrong)
	r.Backends = t.translateBackends(backendScope{
		at: &backends, namespace: position.Namespace, prefixesOnly: prefixes,
	}, rule.BackendRefs, &wrong)

	t.invalid = append(append(t.invalid, broken...), wrong...)
	if len(wrong) > 0 {
		r.Invalid = wrong.message()
		r.Filters, r.Backends = nil, nil
	} else if len(r.Matches) > 0 {
		t.soundRules++
	}
	return r, len(r.Matches) > 0
}

// checkUnsupportedFields names the fields of a rule that ask for more than is carried out.
func checkUnsupportedFields(at *field, rule *gatewayv1.HTTPRouteRule, wrong *problems) {
	const reason = string(gatewayv1.RouteReasonUnsupportedValue)
	if rule.Timeouts != nil && (rule.Timeouts.Request != nil || rule.Timeouts.BackendRequest != nil) {
		wrong.add(reason, at.String()+".timeouts", "timeouts are not supported")
	}
	if rule.Retry != nil {
		wrong.add(reason, at.String()+".retry", "retries are not supported")
	}
	//lint:ignore SA1019 a deprecated field must still not be dropped in silence
	if rule.SessionPersistence != nil {
		wrong.add(reason, at.String()+".sessionPersistence", "session persistence is not supported")
	}
}

// addService notes a service that the rules refer to, once.
func (t *routeTranslation) addService(service routing.Service) {
	if !slices.ContainsFunc(t.services, func(s routing.Service) bool { return s.ID == service.ID }) {
		t.services = append(t.services, service)
	}
}

func prefixesOnly(matches []routing.Match) bool {
	for _, m := range matches {
		if m.Path.Type != routing.PathPrefix {
			return false
		}
	}
	return true
}

func ruleName(rule *gatewayv1.HTTPRouteRule) string {
	if rule.Name == nil {
		return ""
	}
	return strings.TrimSpace(string(*rule.Name))
}
