package report

import (
	"fmt"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// newestBundle is the minor version of Gateway API 1 that this build was made for. Older ones are subsets
// of it.
const newestBundle = 7

// SupportedVersion tells whether all of the installed Gateway API is of one version that this build was made for.
func SupportedVersion(definitions []inputs.Definition) Condition {
	var bundles []string
	sound := true
	for _, d := range definitions {
		sound = sound && supports(d.BundleVersion)
		if !slices.Contains(bundles, d.BundleVersion) {
			bundles = append(bundles, d.BundleVersion)
		}
	}
	if sound && len(bundles) == 1 {
		return Condition{
			Type:    string(gatewayv1.GatewayClassConditionStatusSupportedVersion),
			Status:  metav1.ConditionTrue,
			Reason:  string(gatewayv1.GatewayClassReasonSupportedVersion),
			Message: fmt.Sprintf("Gateway API %s is supported.", bundles[0]),
		}
	}
	return Condition{
		Type:   string(gatewayv1.GatewayClassConditionStatusSupportedVersion),
		Status: metav1.ConditionFalse,
		Reason: string(gatewayv1.GatewayClassReasonUnsupportedVersion),
		Message: fmt.Sprintf("Installed are %s; one of v1.0 to v1.%d for all of them is supported. What both know is served.",
			installed(definitions), newestBundle),
	}
}

func supports(bundle string) bool {
	v, err := version.ParseSemantic(bundle)
	return err == nil && v.Major() == 1 && v.Minor() <= newestBundle
}

// installed spells out definitions with their versions.
func installed(definitions []inputs.Definition) string {
	list := make([]string, 0, len(definitions))
	for _, d := range definitions {
		if d.BundleVersion == "" {
			list = append(list, d.Resource+" without a version")
			continue
		}
		list = append(list, d.Resource+" "+d.BundleVersion)
	}
	return strings.Join(list, ", ")
}
