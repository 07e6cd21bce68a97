package translate

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// passDoor chooses by which door requests that are not cached reach their backends, and says so in a condition. Unless the
// parameters choose, it is the direct one where the user's VCL has no part in such requests beyond vcl_recv. Where VCL may
// let some of them bypass that door, the condition says this too.
func passDoor(chosen v1alpha1.PassDoor, vcl []model.VCL) (mainvcl.PassDoor, report.Condition) {
	part := firstWord(vcl, mainvcl.PartInPasses)
	switch {
	case chosen == v1alpha1.PassDoorFetch:
		return mainvcl.PassDoorFetch, directPass(metav1.ConditionFalse, report.ReasonParameters, "The parameters say so.")
	case chosen != v1alpha1.PassDoorDirect && part != "":
		return mainvcl.PassDoorFetch, directPass(metav1.ConditionFalse, report.ReasonUserVCL,
			part+" has a part in requests that are not cached.")
	}
	reason, message := report.ReasonNoUserVCL, "No VCL has a part in requests that are not cached beyond vcl_recv."
	if chosen == v1alpha1.PassDoorDirect {
		reason = report.ReasonParameters
		message = "The parameters say so; vcl_pass, vcl_backend_* and vcl_deliver do not run for requests that are not cached."
	}
	if around := firstWord(vcl, mainvcl.BypassesDirectDoor); around != "" {
		reason = report.ReasonBypassed
		message += " But " + around + " may let requests bypass this door: Varnish fetches those."
	}
	return mainvcl.PassDoorDirect, directPass(metav1.ConditionTrue, reason, message)
}

// firstWord is the first that a search finds in VCL, with where it stands; empty where there is none.
func firstWord(vcl []model.VCL, search func(string) (string, int)) string {
	for _, source := range vcl {
		if word, line := search(source.Text); word != "" {
			return mainvcl.At(source.Source, line, word)
		}
	}
	return ""
}

func directPass(status metav1.ConditionStatus, reason, message string) report.Condition {
	return report.Condition{Type: report.ConditionDirectPass, Status: status, Reason: reason, Message: message}
}
