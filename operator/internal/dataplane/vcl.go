package dataplane

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// severity orders what pods run in the place of VCL that does not compile.
type severity int

const (
	// inEffect means that the newest VCL runs.
	inEffect severity = iota
	// lastGood means that the last good one serves.
	lastGood
	// slipped means that requests slip past it.
	slipped
	// unavailable means that every request is answered 503.
	unavailable
	// down means that nothing runs.
	down
)

func severityOf(v adminapi.VCL) severity {
	switch {
	case v.Error == "":
		return inEffect
	case v.Fallback == adminapi.FallbackClosed:
		return unavailable
	case v.Sequence == 0 && v.Active == "":
		return down
	case v.Sequence == 0:
		// Images before version 1.1 of the contract do not name what they fall back to.
		return slipped
	}
	return lastGood
}

// vclRefused tells of VCL that does not compile, in pods or where it was checked before it is published: what serves
// instead, and in further lines the compiler's message. It is empty where there is none.
func vclRefused(check Check, pods []Observation) string {
	message := check.Message
	var worst Observation
	for _, pod := range pods {
		if !pod.Leaving && pod.Status != nil && (worst.Status == nil || severityOf(pod.Status.VCL) > severityOf(worst.Status.VCL)) {
			worst = pod
		}
	}
	var severity severity
	if worst.Status != nil {
		severity = severityOf(worst.Status.VCL)
	}
	switch {
	case check.State == TimedOut && severity <= lastGood:
		return fmt.Sprintf("The VCL is not published, since a pod could not compile it within %s; the last good one serves.", adminapi.CompileWithin)
	case check.State == Refused && severity <= lastGood:
		return "The VCL does not compile; the last good one serves.\n" + clipped(message)
	case severity == inEffect:
		return ""
	case check.State != Refused && check.State != TimedOut:
		message = worst.Status.VCL.Error
	}
	return worst.vclRefused() + "\n" + clipped(message)
}

// vclRefused says where VCL does not compile, and what serves instead.
func (o Observation) vclRefused() string {
	what, there := "The VCL does not compile", ""
	if o.Name != "" {
		what, there = what+" in pod "+o.Name, " there"
	}
	vcl := o.Status.VCL
	switch severityOf(vcl) {
	case down:
		return what + ", and nothing serves" + there + "."
	case unavailable:
		return what + ": every request" + there + " is answered 503, since nothing may be served without it."
	case slipped:
		left := cmp.Or(strings.Join(slices.Sorted(slices.Values(vcl.LeftOut)), "; "), "any user's VCL")
		return what + ": requests" + there + " are served without " + left + "."
	}
	return what + "; the last good one serves."
}

// maxCompilerMessage bounds what is told of a compiler's message, in bytes. It quotes code, of which a line may be long.
const maxCompilerMessage = 4096

// clipped is a message of several lines, as it stands, without its end where it is too long.
func clipped(message string) string {
	message = strings.TrimSpace(message)
	if len(message) <= maxCompilerMessage {
		return message
	}
	return strings.ToValidUTF8(message[:maxCompilerMessage], "") + " ..."
}
