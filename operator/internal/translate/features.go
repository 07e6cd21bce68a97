package translate

import (
	"cmp"
	"slices"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/gateway-api/pkg/features"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// supported are the features of the Gateway API that hold end to end, not merely in translation,
// besides those of filters.
var supported = []features.FeatureName{
	features.SupportGateway,
	features.SupportGatewayAddressEmpty,
	features.SupportGatewayHTTPListenerIsolation,
	features.SupportGatewayPort8080,
	features.SupportGatewayRouteHostnameIntersectionPrecedence,
	features.SupportHTTPRoute,
	features.SupportHTTPRouteDestinationPortMatching,
	features.SupportHTTPRouteMethodMatching,
	features.SupportHTTPRouteNamedRouteRule,
	features.SupportHTTPRouteParentRefPort,
	features.SupportHTTPRouteQueryParamMatching,
	features.SupportReferenceGrant,
}

// SupportedFeatures returns what a GatewayClass of ours claims, in the order that the API asks for:
// what is not installed cannot be supported.
func SupportedFeatures(options inputs.Options) []gatewayv1.SupportedFeature {
	names := slices.Clone(supported)
	for _, kind := range filterKinds {
		names = append(names, kind.features...)
	}
	list := make([]gatewayv1.SupportedFeature, 0, len(names))
	for _, name := range names {
		if name == features.SupportReferenceGrant && !options.Reads(inputs.ReferenceGrants) {
			continue
		}
		list = append(list, gatewayv1.SupportedFeature{Name: gatewayv1.FeatureName(name)})
	}
	slices.SortFunc(list, func(a, b gatewayv1.SupportedFeature) int { return cmp.Compare(a.Name, b.Name) })
	return list
}
