package translate

import (
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// passDoor chooses by which door requests that are not cached reach their backends, and says so in a condition. Unless the
// parameters choose, it is the direct one where the user's VCL has no part in such requests beyond vcl_recv.
func passDoor(chosen v1alpha1.PassDoor, vcl []model.VCL) (mainvcl.PassDoor, report.Condition) {
	switch chosen {
	case v1alpha1.PassDoorDirect:
		return mainvcl.PassDoorDirect, directPass(metav1.ConditionTrue, report.ReasonParameters,
			"The parameters say so; vcl_pass, vcl_backend_* and vcl_deliver do not run for requests that are not cached.")
	case v1alpha1.PassDoorFetch:
		return mainvcl.PassDoorFetch, directPass(metav1.ConditionFalse, report.ReasonParameters, "The parameters say so.")
	}
	for _, source := range vcl {
		if word, line := mainvcl.PartInPasses(source.Text); word != "" {
			return mainvcl.PassDoorFetch, directPass(metav1.ConditionFalse, report.ReasonUserVCL,
				fmt.Sprintf("%s, line %d: %s has a part in requests that are not cached.", source.Source, line, word))
		}
	}
	return mainvcl.PassDoorDirect, directPass(metav1.ConditionTrue, report.ReasonNoUserVCL,
		"No VCL has a part in requests that are not cached beyond vcl_recv.")
}

func directPass(status metav1.ConditionStatus, reason, message string) report.Condition {
	return report.Condition{Type: report.ConditionDirectPass, Status: status, Reason: reason, Message: message}
}
