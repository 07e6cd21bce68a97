package report

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/version"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// newestBundle is the minor version of Gateway API 1 that this build was made for. Older ones are subsets
// of it.
const newestBundle = 7

// SupportedVersion tells whether the installed Gateway API is one that this build was made for.
func SupportedVersion(bundle string) Condition {
	c := Condition{
		Type:    string(gatewayv1.GatewayClassConditionStatusSupportedVersion),
		Status:  metav1.ConditionTrue,
		Reason:  string(gatewayv1.GatewayClassReasonSupportedVersion),
		Message: fmt.Sprintf("Gateway API %s is supported.", bundle),
	}
	v, err := version.ParseSemantic(bundle)
	if err != nil || v.Major() != 1 || v.Minor() > newestBundle {
		c.Status = metav1.ConditionFalse
		c.Reason = string(gatewayv1.GatewayClassReasonUnsupportedVersion)
		c.Message = fmt.Sprintf("Gateway API %s is installed; v1.0 to v1.%d are supported. What both know is served.", bundle, newestBundle)
	}
	return c
}
