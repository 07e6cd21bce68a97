//go:build apiserver

package controller

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// leftovers are the objects of ours in a namespace.
func leftovers(t *testing.T, namespace string) []string {
	t.Helper()
	var left []string
	for _, list := range append(ownedLists(), &policyv1.PodDisruptionBudgetList{}) {
		require.NoError(t, cluster.List(t.Context(), list, inNamespace(namespace), managed))
		for name := range versionsOf(t, list) {
			left = append(left, name)
		}
	}
	return left
}

func TestAGatewayWhoseClassChangesHandsIsLetGo(t *testing.T) {
	startOperator(t)
	ns, backends := namespace(t), namespace(t)
	apply(t, backends, grant(ns))
	apply(t, ns, classOf(ns, "varnish.io/gateway-controller")+"---"+ofClass(withParameters("{podDisruptionBudget: {minAvailable: 1}}"), ns)+"---"+routeTo("web", backends))
	removeClass(t, ns)
	eventuallyAccesses(t, backends, 2)
	startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.10")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
	owned := leftovers(t, ns)
	require.NotEmpty(t, owned)

	remove(t, &gatewayv1.GatewayClass{}, "", ns)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), classMissing, "True", "GatewayClassNotFound", ns)
	assert.ElementsMatch(t, owned, leftovers(t, ns), "without a class, what serves goes on serving")
	before := get(t, &gatewayv1.Gateway{}, ns, "edge").Status

	apply(t, ns, classOf(ns, "example.org/other"))
	eventually(t, "everything to be gone", func() error {
		left := leftovers(t, ns)
		// Pods go with their ReplicaSets, which this cluster does not have.
		if len(left) > 0 {
			return errors.New(strings.Join(left, " "))
		}
		return nil
	})
	eventuallyAccesses(t, backends, 0)
	eventually(t, "the finalizer to be gone", func() error {
		if f := get(t, &gatewayv1.Gateway{}, ns, "edge").Finalizers; len(f) > 0 {
			return errors.New(strings.Join(f, " "))
		}
		return nil
	})
	meta.RemoveStatusCondition(&before.Conditions, classMissing)
	eventually(t, "the condition of our own to be gone", func() error {
		if meta.FindStatusCondition(get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Conditions, classMissing) != nil {
			return errors.New("it is there")
		}
		return nil
	})
	assert.Equal(t, before, get(t, &gatewayv1.Gateway{}, ns, "edge").Status, "the rest of the status is the other controller's now")
}
