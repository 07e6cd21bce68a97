package dataplane

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// Wanted is what every pod is to run.
type Wanted struct {
	// Routing and VCL are what pods are to run of routing.json and main.vcl.
	Routing, VCL Revisions
	// Check of newer VCL, which is published only once it is known to compile.
	Check Check
	// Certificates that pods are to present: the digest of each, by name.
	Certificates map[string]string
	// Sockets that pods are to have open, ordered by port.
	Sockets []model.Socket
	// Unreachable says that pods are kept from the endpoints of some namespace, for which they wait in vain.
	Unreachable bool
}

// Programmed decides what the pods' words mean for the Gateway: it is programmed where nothing is held back, there is a Ready
// pod, and every Ready pod runs what is wanted. Pods that are not Ready take no part, except that an error of theirs is
// told where there is no other. Unknown means that a pod is expected to say more.
func Programmed(want Wanted, pods []Observation) report.DataPlane {
	pending := report.DataPlane{Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonPending}
	if refused := vclRefused(want.Check, pods); refused != "" {
		return report.DataPlane{Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonInvalid, Message: refused}
	}
	ready, silent := 0, ""
	for _, pod := range pods {
		if pod.Leaving || pod.Status == nil {
			continue
		}
		if refused := refusal(pod); refused != "" {
			return report.DataPlane{Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonInvalid, Message: refused}
		}
	}
	switch want.Check.State {
	case Checking:
		pending.Status, pending.Lags = metav1.ConditionUnknown, true
		pending.Message = "A pod is checking the VCL, which has changed; the one before serves."
		return pending
	case Unheard:
		if slices.ContainsFunc(pods, Observation.awaited) {
			pending.Status = metav1.ConditionUnknown
		}
		pending.Message = "The VCL has changed, and no pod answers that could check it; the one before stays until then."
		return pending
	}
	for _, pod := range pods {
		if pod.Leaving || !pod.Ready {
			continue
		}
		ready++
		if pod.Status == nil {
			silent = pod.Name
			continue
		}
		if behind := lag(want, pod); behind != "" {
			pending.Message, pending.Lags = behind, true
			return pending
		}
	}
	if ready == 0 {
		pending.Message = notReady(pods)
		return pending
	}
	if closed := closed(want.Sockets, pods); len(closed) > 0 {
		pending.Closed, pending.Message = closed, closed[slices.Min(slices.Collect(maps.Keys(closed)))]
		return pending
	}
	if silent != "" {
		pending.Status, pending.Lags = metav1.ConditionUnknown, true
		pending.Message = fmt.Sprintf("Pod %s has not said yet what it runs.", silent)
		return pending
	}
	return report.DataPlane{
		Status: metav1.ConditionTrue, Reason: gatewayv1.GatewayReasonProgrammed, Message: inert(pods),
	}
}

// refusal tells what a pod has refused beside VCL, in one line; empty where it has taken everything.
func refusal(pod Observation) string {
	s := pod.Status
	switch {
	case s.Routing.Error != "":
		return "The routing configuration was refused; the last good one serves. " + pod.words(s.Routing.Error)
	case s.Certificates.Error != "":
		return "The certificates cannot be read. " + pod.words(s.Certificates.Error)
	case len(s.Certificates.Problems) > 0:
		return "A certificate cannot be used. " + pod.words(s.Certificates.Problems[0].Message)
	}
	return ""
}

// lag tells how far a pod is behind; empty where it runs what is wanted, and waits for nothing that it could get.
func lag(want Wanted, pod Observation) string {
	s := pod.Status
	waits := ""
	if s.Routing.Pending != "" {
		waits = " It waits: " + oneLine(s.Routing.Pending)
	}
	switch {
	case !want.Routing.includes(s, s.Routing.Sequence, s.Routing.Digest):
		return fmt.Sprintf("%s runs %s.%s", pod.who(), want.Routing.instead("routing configuration", s.Routing.Sequence), waits)
	case !want.VCL.includes(s, s.VCL.Sequence, s.VCL.Digest):
		return fmt.Sprintf("%s runs %s.", pod.who(), want.VCL.instead("VCL", s.VCL.Sequence))
	case lacks(s, want.Certificates) != "":
		return fmt.Sprintf("%s does not present certificate %s yet.", pod.who(), lacks(s, want.Certificates))
	case waits != "" && !want.Unreachable:
		return fmt.Sprintf("%s runs routing configuration %d, but not all of it.%s", pod.who(), s.Routing.Sequence, waits)
	}
	return ""
}

// inert tells of records that pods could not use; empty where there are none.
func inert(pods []Observation) string {
	for _, pod := range pods {
		if pod.Status == nil || len(pod.Status.Routing.Diagnostics) == 0 {
			continue
		}
		first := pod.Status.Routing.Diagnostics[0]
		return fmt.Sprintf("The data plane runs this configuration, with %d inert records, such as %s of %s: %s",
			len(pod.Status.Routing.Diagnostics), first.Path, first.Object, oneLine(first.Message))
	}
	return ""
}

// oneLine lets a pod's words fit into a condition's message.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
