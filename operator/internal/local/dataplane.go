package local

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// dataPlane decides what a chaperone's own words mean for the Gateway, as for the only pod of a Gateway. down says why
// no chaperone runs; empty where one does. seen is nil where it has not said anything yet.
func dataPlane(want dataplane.Wanted, down string, seen *adminapi.Status) report.DataPlane {
	switch {
	case down != "":
		return pending(down)
	case seen == nil:
		return pending("The gateway is starting.")
	}
	process := dataplane.Observation{Pod: dataplane.Pod{Ready: seen.Ready}, Status: seen}
	return dataplane.Programmed(want, []dataplane.Observation{process})
}

func pending(message string) report.DataPlane {
	return report.DataPlane{Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonPending, Message: message}
}
