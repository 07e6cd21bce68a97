//go:build apiserver

package controller

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func cachePolicy() *unstructured.Unstructured {
	policy := &unstructured.Unstructured{}
	policy.SetGroupVersionKind(schema.GroupVersionKind{Group: "gateway.varnish.io", Version: "v1alpha1", Kind: "VarnishCachePolicy"})
	return policy
}

// ancestorsOf a cache policy.
func ancestorsOf(t *testing.T, ns, name string) []gatewayv1.PolicyAncestorStatus {
	t.Helper()
	policy := get(t, cachePolicy(), ns, name)
	var status gatewayv1.PolicyStatus
	if content, there, _ := unstructured.NestedMap(policy.Object, "status"); there {
		require.NoError(t, runtime.DefaultUnstructuredConverter.FromUnstructured(content, &status))
	}
	return status.Ancestors
}

// ofCachePolicy reads the conditions of a cache policy at its only ancestor.
func ofCachePolicy(t *testing.T, ns, name string) func() ([]metav1.Condition, error) {
	return func() ([]metav1.Condition, error) {
		ancestors := ancestorsOf(t, ns, name)
		if len(ancestors) != 1 {
			return nil, fmt.Errorf("%d ancestors", len(ancestors))
		}
		return ancestors[0].Conditions, nil
	}
}

// ofRouteCache is a cache policy of the route web.
func ofRouteCache(name string) string {
	return fmt.Sprintf(`
apiVersion: gateway.varnish.io/v1alpha1
kind: VarnishCachePolicy
metadata: {name: %s}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: HTTPRoute, name: web}]
  freshness: {defaultTTL: 10s}
`, name)
}

func hasAncestors(t *testing.T, ns, name string, want int) func() error {
	return func() error {
		if n := len(ancestorsOf(t, ns, name)); n != want {
			return fmt.Errorf("%d ancestors", n)
		}
		return nil
	}
}

// TestACachePolicyOfManyGatewaysComesToRest: a status has room for 16 ancestors (PolicyStatus of
// the Gateway API).
func TestACachePolicyOfManyGatewaysComesToRest(t *testing.T) {
	first := startOperator(t)
	ns := namespace(t)
	var parents, gateways []string
	for i := range 20 {
		name := fmt.Sprintf("edge%02d", i)
		parents = append(parents, "{name: "+name+"}")
		gateways = append(gateways, strings.Replace(edge, "name: edge", "name: "+name, 1))
	}
	apply(t, ns, class+"---"+strings.Join(gateways, "---")+"---"+webService+
		strings.Replace(webRoute, "[{name: edge}]", "["+strings.Join(parents, ", ")+"]", 1)+"---"+ofRouteCache("all"))
	eventually(t, "as many ancestors as there can be", hasAncestors(t, ns, "all", 16))
	before := ancestorsOf(t, ns, "all")
	first.idle(t)
	first.stop(t)

	second, tr := startCounted(t)
	second.idle(t)
	tr.settle(t)
	tr.begin()
	tr.settle(t)
	_, _, _, written := tr.most()
	assert.Zero(t, written, tr.report())
	assert.Equal(t, before, ancestorsOf(t, ns, "all"))

	// The place of one that is gone is another's.
	gone := before[0].AncestorRef.Name
	remove(t, &gatewayv1.Gateway{}, ns, string(gone))
	eventually(t, "another ancestor in its place", func() error {
		now := ancestorsOf(t, ns, "all")
		for _, each := range now {
			if each.AncestorRef.Name == gone {
				return errors.New("it is there yet")
			}
		}
		if len(now) != 16 {
			return fmt.Errorf("%d ancestors", len(now))
		}
		return nil
	})
}

// TestACachePolicyAndItsTargetsComeAndGo: conflicts, targets that are deleted, and a class that is
// gone.
func TestACachePolicyAndItsTargetsComeAndGo(t *testing.T) {
	startOperator(t)
	ns := servingGateway(t)
	apply(t, ns, ofRouteCache("first"))
	eventuallyCondition(t, ofCachePolicy(t, ns, "first"), "Accepted", "True", "Accepted", "")
	eventuallyCondition(t, ofRoute(t, ns, "web"), "VarnishCachePolicyAffected", "True", "", ns+"/first")
	// Of one age to the second, the name decides.
	apply(t, ns, ofRouteCache("second"))
	eventuallyCondition(t, ofCachePolicy(t, ns, "second"), "Accepted", "False", "Conflicted", "")

	// One that somebody's finalizer keeps is on its way out, and another one's turn comes with its
	// end.
	eventually(t, "a finalizer to be added", func() error {
		policy := get(t, cachePolicy(), ns, "first")
		policy.SetFinalizers([]string{"example.org/stuck"})
		return cluster.Update(t.Context(), policy)
	})
	remove(t, cachePolicy(), ns, "first")
	eventually(t, "the finalizer to be taken off", func() error {
		policy := get(t, cachePolicy(), ns, "first")
		policy.SetFinalizers(nil)
		return cluster.Update(t.Context(), policy)
	})
	eventuallyCondition(t, ofCachePolicy(t, ns, "second"), "Accepted", "True", "Accepted", "")
	eventuallyCondition(t, ofRoute(t, ns, "web"), "VarnishCachePolicyAffected", "True", "", ns+"/second")

	remove(t, &gatewayv1.HTTPRoute{}, ns, "web")
	eventuallyCondition(t, ofCachePolicy(t, ns, "second"), "Accepted", "False", "TargetNotFound", "")
	apply(t, ns, webRoute)
	eventuallyCondition(t, ofCachePolicy(t, ns, "second"), "Accepted", "True", "Accepted", "")

	remove(t, &gatewayv1.GatewayClass{}, "", ns)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), classMissing, "True", "", "")
	apply(t, ns, strings.Replace(webRoute, "name: web}\nspec", "name: more}\nspec", 1))
	eventuallyCondition(t, ofRoute(t, ns, "more"), "Accepted", "True", "", "")
	eventuallyCondition(t, ofCachePolicy(t, ns, "second"), "Accepted", "True", "Accepted", "")
}
