package controller

import (
	"sync"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

// told remembers of what the conditions of each Gateway were told last, so that a pod that has not been heard yet takes back
// nothing that is still true: one that has just become ready, or every pod after a restart of the operator.
type told struct {
	mu       sync.Mutex
	gateways map[types.NamespacedName]dataplane.Wanted
}

func newTold() *told { return &told{gateways: map[types.NamespacedName]dataplane.Wanted{}} }

// established is what to tell of a Gateway. Where that is not known, it is what its status says of this generation already:
//   - that it is programmed, if its pods were last known to run what they are to run now;
//   - after a restart, whatever it says, but that it is programmed only if nothing is to be changed.
func (t *told) established(live *gatewayv1.Gateway, want dataplane.Wanted, plane report.DataPlane) report.DataPlane {
	t.mu.Lock()
	defer t.mu.Unlock()
	key := client.ObjectKeyFromObject(live)
	if plane.Status != metav1.ConditionUnknown {
		t.gateways[key] = want
		return plane
	}
	before := meta.FindStatusCondition(live.Status.Conditions, string(gatewayv1.GatewayConditionProgrammed))
	if before != nil && before.ObservedGeneration == live.Generation && t.holds(key, want, before.Status == metav1.ConditionTrue) {
		return report.DataPlane{
			Status: before.Status, Reason: gatewayv1.GatewayConditionReason(before.Reason), Message: before.Message,
		}
	}
	plane.Status = metav1.ConditionFalse
	return plane
}

func (t *told) holds(key types.NamespacedName, want dataplane.Wanted, programmed bool) bool {
	if last, known := t.gateways[key]; known {
		return programmed && last == want
	}
	return !programmed || want.Check.State == dataplane.NoCheck
}

// revise says that pods are to run something new of which nothing was told yet.
func (t *told) revise(key types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.gateways[key] = dataplane.Wanted{}
}

func (t *told) forget(key types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.gateways, key)
}
