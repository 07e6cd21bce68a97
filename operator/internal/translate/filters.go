package translate

import (
	"slices"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/model"
)

// Filters that are carried out, on rules and on backendRefs. A redirect never reaches a backend, so on a
// backendRef there is nothing that it could mean.
var (
	ruleFilters = []gatewayv1.HTTPRouteFilterType{
		gatewayv1.HTTPRouteFilterRequestHeaderModifier,
		gatewayv1.HTTPRouteFilterResponseHeaderModifier,
		gatewayv1.HTTPRouteFilterRequestRedirect,
		gatewayv1.HTTPRouteFilterURLRewrite,
	}
	backendFilters = []gatewayv1.HTTPRouteFilterType{
		gatewayv1.HTTPRouteFilterRequestHeaderModifier,
		gatewayv1.HTTPRouteFilterResponseHeaderModifier,
		gatewayv1.HTTPRouteFilterURLRewrite,
	}
)

// redirectStatusCodes are those that the Gateway API lists.
var redirectStatusCodes = []int{301, 302, 303, 307, 308}

// filterScope is where filters stand.
type filterScope struct {
	at      *field
	allowed []gatewayv1.HTTPRouteFilterType
	// prefixesOnly tells whether every match of the rule is a PathPrefix, so that there is a prefix to
	// replace.
	prefixesOnly bool
}

// translateFilters returns the filters in the order in which they apply. None may be skipped: if one
// cannot be carried out, the problems say so, and the rule must not serve.
func translateFilters(scope filterScope, filters []gatewayv1.HTTPRouteFilter, found *problems) []model.Filter {
	if len(filters) == 0 {
		return nil
	}
	translated := make([]model.Filter, 0, len(filters))
	seen := make(map[gatewayv1.HTTPRouteFilterType]bool, len(filters))
	for i := range filters {
		filter, at := &filters[i], scope.at.at(i)
		if !slices.Contains(scope.allowed, filter.Type) {
			unsupported(&at, "type", filter.Type, found)
			continue
		}
		if seen[filter.Type] {
			found.add(string(gatewayv1.RouteReasonIncompatibleFilters), at.String(), "%s stands here twice", filter.Type)
		}
		seen[filter.Type] = true
		if f, ok := translateFilter(&at, scope, filter, found); ok {
			translated = append(translated, f)
		}
	}
	if seen[gatewayv1.HTTPRouteFilterRequestRedirect] && seen[gatewayv1.HTTPRouteFilterURLRewrite] {
		found.add(string(gatewayv1.RouteReasonIncompatibleFilters), scope.at.String(),
			"RequestRedirect and URLRewrite exclude each other")
	}
	return translated
}

func translateFilter(at *field, scope filterScope, filter *gatewayv1.HTTPRouteFilter, found *problems) (model.Filter, bool) {
	switch {
	case filter.Type == gatewayv1.HTTPRouteFilterRequestHeaderModifier && filter.RequestHeaderModifier != nil:
		return model.Filter{RequestHeaders: headerChange(filter.RequestHeaderModifier)}, true
	case filter.Type == gatewayv1.HTTPRouteFilterResponseHeaderModifier && filter.ResponseHeaderModifier != nil:
		return model.Filter{ResponseHeaders: headerChange(filter.ResponseHeaderModifier)}, true
	case filter.Type == gatewayv1.HTTPRouteFilterRequestRedirect && filter.RequestRedirect != nil:
		here := at.child("requestRedirect")
		return model.Filter{Redirect: redirect(&here, scope, filter.RequestRedirect, found)}, true
	case filter.Type == gatewayv1.HTTPRouteFilterURLRewrite && filter.URLRewrite != nil:
		here := at.child("urlRewrite")
		return model.Filter{Rewrite: rewrite(&here, scope, filter.URLRewrite, found)}, true
	default:
		found.add(string(gatewayv1.RouteReasonUnsupportedValue), at.String(), "%s says nothing of what to do", filter.Type)
		return model.Filter{}, false
	}
}

func headerChange(filter *gatewayv1.HTTPHeaderFilter) *model.HeaderChange {
	return &model.HeaderChange{
		Set: headers(filter.Set), Add: headers(filter.Add), Remove: slices.Clone(filter.Remove),
	}
}

// headers keeps the first of each name, which is the one that counts.
func headers(list []gatewayv1.HTTPHeader) []model.Header {
	var kept []model.Header
	for _, header := range list {
		same := func(h model.Header) bool { return strings.EqualFold(h.Name, string(header.Name)) }
		if !slices.ContainsFunc(kept, same) {
			kept = append(kept, model.Header{Name: string(header.Name), Value: header.Value})
		}
	}
	return kept
}

func redirect(at *field, scope filterScope, filter *gatewayv1.HTTPRequestRedirectFilter, found *problems) *model.Redirect {
	r := &model.Redirect{StatusCode: 302, Path: pathChange(at, scope, filter.Path, found)}
	if filter.Scheme != nil {
		r.Scheme = strings.ToLower(*filter.Scheme)
		if r.Scheme != "http" && r.Scheme != "https" {
			unsupported(at, "scheme", *filter.Scheme, found)
		}
	}
	if filter.Hostname != nil {
		r.Hostname = string(*filter.Hostname)
	}
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

func rewrite(at *field, scope filterScope, filter *gatewayv1.HTTPURLRewriteFilter, found *problems) *model.Rewrite {
	r := &model.Rewrite{Path: pathChange(at, scope, filter.Path, found)}
	if filter.Hostname != nil {
		r.Hostname = string(*filter.Hostname)
	}
	return r
}

func pathChange(at *field, scope filterScope, change *gatewayv1.HTTPPathModifier, found *problems) *model.PathChange {
	if change == nil {
		return nil
	}
	switch {
	case change.Type == gatewayv1.FullPathHTTPPathModifier && change.ReplaceFullPath != nil:
		return &model.PathChange{Value: *change.ReplaceFullPath}
	case change.Type == gatewayv1.PrefixMatchHTTPPathModifier && change.ReplacePrefixMatch != nil:
		if !scope.prefixesOnly {
			found.add(string(gatewayv1.RouteReasonUnsupportedValue), at.String()+".path.type",
				"ReplacePrefixMatch needs matches of type PathPrefix only")
		}
		return &model.PathChange{PrefixOnly: true, Value: *change.ReplacePrefixMatch}
	default:
		unsupported(at, "path.type", change.Type, found)
		return nil
	}
}
