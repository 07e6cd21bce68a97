package local

import (
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// wanted are the sequences that a Gateway's chaperone is to run.
type wanted struct {
	routing, vcl int64
}

// dataPlane decides what a chaperone's own words mean for the Gateway: it is programmed where everything that
// was asked for runs. down says why no chaperone runs; empty where one does. seen is nil where it has not
// said anything yet.
func dataPlane(want wanted, down string, seen *dataplane.Status) report.DataPlane {
	plane := report.DataPlane{Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonPending}
	switch {
	case down != "":
		plane.Message = down
	case seen == nil:
		plane.Message = "The gateway is starting."
	case seen.VCL.Error != "":
		plane.Reason = gatewayv1.GatewayReasonInvalid
		plane.Message = "The VCL does not compile; the last good one serves. " + oneLine(seen.VCL.Error)
	case seen.Routing.Error != "":
		plane.Reason = gatewayv1.GatewayReasonInvalid
		plane.Message = "The routing configuration was refused; the last good one serves. " + oneLine(seen.Routing.Error)
	case !seen.Ready:
		plane.Message = "The gateway is not ready."
	case seen.Routing.Sequence < want.routing:
		plane.Message = fmt.Sprintf("The gateway runs routing configuration %d, not yet %d.", seen.Routing.Sequence, want.routing)
	case seen.VCL.Sequence < want.vcl:
		plane.Message = fmt.Sprintf("The gateway runs VCL %d, not yet %d.", seen.VCL.Sequence, want.vcl)
	case seen.Certificates.Error != "":
		plane.Message = "The certificates cannot be read: " + oneLine(seen.Certificates.Error)
	case len(seen.Certificates.Problems) > 0:
		plane.Message = "A certificate cannot be used: " + oneLine(seen.Certificates.Problems[0].Message)
	default:
		plane.Status, plane.Reason = metav1.ConditionTrue, gatewayv1.GatewayReasonProgrammed
		if n := len(seen.Routing.Diagnostics); n > 0 {
			plane.Message = fmt.Sprintf("The data plane runs this configuration, with %d inert records, such as %s: %s", n,
				seen.Routing.Diagnostics[0].Path, seen.Routing.Diagnostics[0].Message)
		}
	}
	return plane
}

// oneLine lets a compiler's words fit into a condition's message.
func oneLine(text string) string {
	return strings.Join(strings.Fields(text), " ")
}
