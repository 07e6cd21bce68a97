package status

import (
	"reflect"
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// Attached merges a report into the live status of a route or a policy. Entries of other controllers
// stay where they are; ours for objects that are no longer reported go, so one that the report does
// not hold at all is merged with a report that has only its Object. It tells whether there is
// anything to write.
func Attached(kind *inputs.Attached, live inputs.Object, r report.Attached, controller gatewayv1.GatewayController, now metav1.Time) bool {
	ours := ownership{}
	for _, condition := range kind.Conditions {
		ours[condition] = true
	}
	before := kind.Entries(live)
	merged := make([]inputs.Entry, 0, len(before)+len(r.Entries))
	done := make([]bool, len(r.Entries))
	merge := func(entry inputs.Entry, i int) {
		done[i] = true
		entry.Conditions = mergeConditions(entry.Conditions, r.Entries[i].Conditions, r.Generation, now, ours)
		merged = append(merged, entry)
	}
	for _, entry := range before {
		if entry.ControllerName != controller {
			merged = append(merged, entry)
			continue
		}
		i := slices.IndexFunc(r.Entries, func(e report.Entry) bool { return sameRef(e.Ref, entry.Ref) })
		if i >= 0 && !done[i] {
			merge(entry, i)
		}
	}
	for i, e := range r.Entries {
		if !done[i] && len(merged) < kind.MaxEntries {
			merge(inputs.Entry{Ref: *e.Ref.DeepCopy(), ControllerName: controller}, i)
		}
	}
	if len(merged) == 0 && len(before) == 0 || reflect.DeepEqual(before, merged) {
		return false
	}
	kind.SetEntries(live, merged)
	return true
}

// sameRef compares references by what they say, not by where it is stored.
func sameRef(a, b gatewayv1.ParentReference) bool { return reflect.DeepEqual(a, b) }
