package translate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

func TestTheDoorOfPassedRequests(t *testing.T) {
	recv := model.VCL{Source: "ConfigMap a/recv, key main.vcl", Text: "sub vcl_recv { }"}
	deliver := model.VCL{Source: "ConfigMap a/deliver, key main.vcl", Text: "# mark\nsub vcl_deliver { }"}
	around := model.VCL{Source: "ConfigMap a/around, key main.vcl", Text: "sub vcl_recv {\n  return (pass);\n}"}
	answer := model.VCL{Source: "ConfigMap a/answer, key main.vcl", Text: "sub vcl_recv { if (ghost.answer() == 0) { return (hash); } }"}
	for name, c := range map[string]struct {
		chosen  v1alpha1.PassDoor
		vcl     []model.VCL
		door    mainvcl.PassDoor
		status  metav1.ConditionStatus
		reason  string
		message string
	}{
		"no VCL": {"", nil, mainvcl.PassDoorDirect, metav1.ConditionTrue, report.ReasonNoUserVCL,
			"No VCL has a part in requests that are not cached beyond vcl_recv."},
		"VCL that routes": {v1alpha1.PassDoorAuto, []model.VCL{recv}, mainvcl.PassDoorDirect, metav1.ConditionTrue, report.ReasonNoUserVCL,
			"No VCL has a part in requests that are not cached beyond vcl_recv."},
		"VCL that delivers": {v1alpha1.PassDoorAuto, []model.VCL{recv, deliver}, mainvcl.PassDoorFetch, metav1.ConditionFalse, report.ReasonUserVCL,
			"ConfigMap a/deliver, key main.vcl, line 2: vcl_deliver has a part in requests that are not cached."},
		"VCL that delivers, and is told not to": {v1alpha1.PassDoorDirect, []model.VCL{deliver}, mainvcl.PassDoorDirect, metav1.ConditionTrue, report.ReasonParameters,
			"The parameters say so; vcl_pass, vcl_backend_* and vcl_deliver do not run for requests that are not cached."},
		"VCL that bypasses the door": {v1alpha1.PassDoorAuto, []model.VCL{recv, around}, mainvcl.PassDoorDirect, metav1.ConditionTrue, report.ReasonBypassed,
			"No VCL has a part in requests that are not cached beyond vcl_recv. But ConfigMap a/around, key main.vcl, line 2: return (pass) may let requests bypass this door: Varnish fetches those."},
		"VCL that bypasses the door that the parameters want": {v1alpha1.PassDoorDirect, []model.VCL{deliver, around}, mainvcl.PassDoorDirect, metav1.ConditionTrue, report.ReasonBypassed,
			"The parameters say so; vcl_pass, vcl_backend_* and vcl_deliver do not run for requests that are not cached. But ConfigMap a/around, key main.vcl, line 2: return (pass) may let requests bypass this door: Varnish fetches those."},
		"VCL that asks who answers": {v1alpha1.PassDoorAuto, []model.VCL{answer}, mainvcl.PassDoorFetch, metav1.ConditionFalse, report.ReasonUserVCL,
			"ConfigMap a/answer, key main.vcl, line 1: ghost.answer has a part in requests that are not cached."},
		"no VCL, and fetches wanted": {v1alpha1.PassDoorFetch, nil, mainvcl.PassDoorFetch, metav1.ConditionFalse, report.ReasonParameters, "The parameters say so."},
	} {
		t.Run(name, func(t *testing.T) {
			door, condition := passDoor(c.chosen, c.vcl)
			assert.Equal(t, c.door, door)
			assert.Equal(t, report.Condition{Type: report.ConditionDirectPass, Status: c.status, Reason: c.reason, Message: c.message}, condition)
		})
	}
}
