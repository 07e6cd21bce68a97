package translate

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// redirectStatusCodes are those that the Gateway API lists.
var redirectStatusCodes = []int{301, 302, 303, 307, 308}

// filterScope is where filters stand.
type filterScope struct {
	at *field
	// onBackend tells whether they stand on a backendRef, and not on a rule.
	onBackend bool
	// prefixesOnly tells whether every match of the rule is a PathPrefix, so that there is a prefix to
	// replace.
	prefixesOnly bool
}

// translateFilters returns the filters in the order in which they apply. None may be skipped: if one
// cannot be carried out, the problems say so, and the rule must not serve.
func translateFilters(scope filterScope, filters []gatewayv1.HTTPRouteFilter, found *problems) []routing.Filter {
	if len(filters) == 0 {
		return nil
	}
	translated := make([]routing.Filter, 0, len(filters))
	seen := make(map[gatewayv1.HTTPRouteFilterType]bool, len(filters))
	for i := range filters {
		filter, at := &filters[i], scope.at.at(i)
		kind := filterKindOf(filter.Type, scope.onBackend)
		if kind == nil {
			unsupported(&at, "type", filter.Type, found)
			continue
		}
		if seen[filter.Type] {
			found.add(string(gatewayv1.RouteReasonIncompatibleFilters), at.String(), "%s stands here twice", filter.Type)
		}
		seen[filter.Type] = true
		f, ok := kind.translate(&at, scope, filter, found)
		if !ok {
			found.add(string(gatewayv1.RouteReasonUnsupportedValue), at.String(), "%s says nothing of what to do", filter.Type)
			continue
		}
		translated = append(translated, f)
	}
	checkExclusions(scope, seen, found)
	return translated
}

// checkExclusions refuses filters that cannot stand beside each other.
func checkExclusions(scope filterScope, seen map[gatewayv1.HTTPRouteFilterType]bool, found *problems) {
	for _, kind := range filterKinds {
		for _, other := range kind.excludes {
			if seen[kind.name] && seen[other] {
				found.add(string(gatewayv1.RouteReasonIncompatibleFilters), scope.at.String(), "%s and %s exclude each other", kind.name, other)
			}
		}
	}
}

func redirect(at *field, scope filterScope, filter *gatewayv1.HTTPRequestRedirectFilter, found *problems) *routing.RequestRedirect {
	r := &routing.RequestRedirect{StatusCode: 302, Path: pathModifier(at, scope, filter.Path, found)}
	if filter.Scheme != nil {
		r.Scheme = strings.ToLower(*filter.Scheme)
		if r.Scheme != "http" && r.Scheme != "https" {
			unsupported(at, "scheme", *filter.Scheme, found)
		}
	}
	r.Hostname = hostname(at, filter.Hostname, found)
	if filter.Port != nil {
		r.Port = *filter.Port
	}
	if filter.StatusCode != nil {
		r.StatusCode = *filter.StatusCode
		if !slices.Contains(redirectStatusCodes, r.StatusCode) {
			found.add(string(gatewayv1.RouteReasonUnsupportedValue), at.String()+".statusCode",
				"%d is not supported", r.StatusCode)
		}
	}
	return r
}

func rewrite(at *field, scope filterScope, filter *gatewayv1.HTTPURLRewriteFilter, found *problems) *routing.URLRewrite {
	r := &routing.URLRewrite{Path: pathModifier(at, scope, filter.Path, found)}
	r.Hostname = hostname(at, filter.Hostname, found)
	return r
}

// hostname is the one that a filter puts in the place of the request's; empty where it names none.
func hostname(at *field, name *gatewayv1.PreciseHostname, found *problems) string {
	if name == nil {
		return ""
	}
	if *name != "" && !routing.ValidHostname(string(*name)) {
		found.add(string(gatewayv1.RouteReasonUnsupportedValue), at.String()+".hostname", "%q is not a hostname", *name)
	}
	return string(*name)
}

func pathModifier(at *field, scope filterScope, change *gatewayv1.HTTPPathModifier, found *problems) *routing.PathModifier {
	if change == nil {
		return nil
	}
	switch {
	case change.Type == gatewayv1.FullPathHTTPPathModifier && change.ReplaceFullPath != nil:
		checkReplacement(at, "path.replaceFullPath", *change.ReplaceFullPath, found)
		return &routing.PathModifier{Type: routing.ReplaceFullPath, Value: *change.ReplaceFullPath}
	case change.Type == gatewayv1.PrefixMatchHTTPPathModifier && change.ReplacePrefixMatch != nil:
		if !scope.prefixesOnly {
			found.add(string(gatewayv1.RouteReasonUnsupportedValue), at.String()+".path.type",
				"ReplacePrefixMatch needs matches of type PathPrefix only")
		}
		checkReplacement(at, "path.replacePrefixMatch", *change.ReplacePrefixMatch, found)
		return &routing.PathModifier{Type: routing.ReplacePrefixMatch, Value: *change.ReplacePrefixMatch}
	default:
		unsupported(at, "path.type", change.Type, found)
		return nil
	}
}

// checkReplacement refuses what cannot be a path. The query is the request's own: none can be put into its place.
func checkReplacement(at *field, name, value string, found *problems) {
	if !routing.ValidPathReplacement(value) {
		found.add(string(gatewayv1.RouteReasonUnsupportedValue), at.String()+"."+name,
			"%q has a query, a fragment, a space or a line break, and so is no path", value)
	}
}
