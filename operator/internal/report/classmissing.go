package report

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// ConditionClassMissing is the type of the condition, of our own, that is True on a Gateway which serves although its
// GatewayClass is gone. It is not there otherwise.
const ConditionClassMissing = v1alpha1.GroupName + "/ClassMissing"

// ClassMissing tells that there is no GatewayClass of this name.
func ClassMissing(class string) Condition {
	return Condition{
		Type:   ConditionClassMissing,
		Status: metav1.ConditionTrue,
		Reason: "GatewayClassNotFound",
		Message: fmt.Sprintf("There is no GatewayClass %q. The Gateway serves on: routes, certificates and grants take effect, "+
			"and pods, Service and VCL stay as they are.", class),
	}
}
