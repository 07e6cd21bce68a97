package translate

import (
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/features"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// filterKind is a type of filter that is carried out. All that translation knows of it stands here.
type filterKind struct {
	name gatewayv1.HTTPRouteFilterType
	// onBackends tells whether it can stand on a backendRef, too.
	onBackends bool
	// excludes names the types that cannot stand beside it.
	excludes []gatewayv1.HTTPRouteFilterType
	// features that the class claims for it.
	features []features.FeatureName
	// translate makes the record of the contract; false where the filter does not say what to do.
	translate func(at *field, scope filterScope, filter *gatewayv1.HTTPRouteFilter, found *problems) (routing.Filter, bool)
}

// filterKinds are the types that are carried out. A redirect never reaches a backend, so on a
// backendRef there is nothing that it could mean.
var filterKinds = []filterKind{
	{
		name: gatewayv1.HTTPRouteFilterRequestHeaderModifier, onBackends: true,
		features:  []features.FeatureName{features.SupportHTTPRouteBackendRequestHeaderModification},
		translate: requestHeaderModifier,
	},
	{
		name: gatewayv1.HTTPRouteFilterResponseHeaderModifier, onBackends: true,
		features:  []features.FeatureName{features.SupportHTTPRouteResponseHeaderModification},
		translate: responseHeaderModifier,
	},
	{
		name: gatewayv1.HTTPRouteFilterRequestRedirect, excludes: []gatewayv1.HTTPRouteFilterType{gatewayv1.HTTPRouteFilterURLRewrite},
		features: []features.FeatureName{
			features.SupportHTTPRoute303RedirectStatusCode, features.SupportHTTPRoute307RedirectStatusCode,
			features.SupportHTTPRoute308RedirectStatusCode, features.SupportHTTPRoutePathRedirect,
			features.SupportHTTPRoutePortRedirect, features.SupportHTTPRouteSchemeRedirect,
		},
		translate: requestRedirect,
	},
	{
		name: gatewayv1.HTTPRouteFilterURLRewrite, onBackends: true,
		features: []features.FeatureName{
			features.SupportHTTPRouteBackendURLRewrite, features.SupportHTTPRouteHostRewrite, features.SupportHTTPRoutePathRewrite,
		},
		translate: urlRewrite,
	},
}

// filterKindOf finds a type of filter; nil where it is not carried out at a place.
func filterKindOf(name gatewayv1.HTTPRouteFilterType, onBackend bool) *filterKind {
	i := slices.IndexFunc(filterKinds, func(k filterKind) bool { return k.name == name && (k.onBackends || !onBackend) })
	if i < 0 {
		return nil
	}
	return &filterKinds[i]
}

func requestHeaderModifier(at *field, _ filterScope, filter *gatewayv1.HTTPRouteFilter, found *problems) (routing.Filter, bool) {
	if filter.RequestHeaderModifier == nil {
		return routing.Filter{}, false
	}
	const kind = routing.FilterRequestHeaderModifier
	here := at.child("requestHeaderModifier")
	return routing.Filter{Type: kind, RequestHeaderModifier: headerModifier(&here, kind, filter.RequestHeaderModifier, found)}, true
}

func responseHeaderModifier(at *field, _ filterScope, filter *gatewayv1.HTTPRouteFilter, found *problems) (routing.Filter, bool) {
	if filter.ResponseHeaderModifier == nil {
		return routing.Filter{}, false
	}
	const kind = routing.FilterResponseHeaderModifier
	here := at.child("responseHeaderModifier")
	return routing.Filter{Type: kind, ResponseHeaderModifier: headerModifier(&here, kind, filter.ResponseHeaderModifier, found)}, true
}

func requestRedirect(at *field, scope filterScope, filter *gatewayv1.HTTPRouteFilter, found *problems) (routing.Filter, bool) {
	if filter.RequestRedirect == nil {
		return routing.Filter{}, false
	}
	here := at.child("requestRedirect")
	return routing.Filter{
		Type: routing.FilterRequestRedirect, RequestRedirect: redirect(&here, scope, filter.RequestRedirect, found),
	}, true
}

func urlRewrite(at *field, scope filterScope, filter *gatewayv1.HTTPRouteFilter, found *problems) (routing.Filter, bool) {
	if filter.URLRewrite == nil {
		return routing.Filter{}, false
	}
	here := at.child("urlRewrite")
	return routing.Filter{Type: routing.FilterURLRewrite, URLRewrite: rewrite(&here, scope, filter.URLRewrite, found)}, true
}
