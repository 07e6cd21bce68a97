//go:build apiserver

package controller

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	watchapi "k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// opponent is another controller that changes an object of ours, or one that we write to, each time
// that it is as we want it.
type opponent struct {
	// list is the kind of the object, and name its name.
	list client.ObjectList
	name string
	// change makes the object as the opponent wants it, for the nth time; false where it is so
	// already.
	change func(object client.Object, n int) bool
	// write writes the object as it is changed then.
	write func(client.Object) error
	// reported says that the Gateway's condition tells of it.
	reported bool
}

// fight lets the opponent work until the test ends. It returns how often it has changed the object.
func (o opponent) fight(t *testing.T, ns string) *atomic.Int64 {
	t.Helper()
	watch, err := cluster.Watch(t.Context(), o.list, inNamespace(ns), named(o.name))
	require.NoError(t, err)
	changes, ended := &atomic.Int64{}, make(chan struct{})
	go func() {
		defer close(ended)
		for event := range watch.ResultChan() {
			object, ok := event.Object.(client.Object)
			if !ok || event.Type == watchapi.Deleted || !o.change(object, int(changes.Load())) {
				continue
			}
			if o.write(object) == nil {
				changes.Add(1)
			}
		}
	}()
	t.Cleanup(func() {
		watch.Stop()
		<-ended
	})
	return changes
}

func writeBack(object client.Object) error {
	return cluster.Update(context.Background(), object, client.FieldOwner("theirs"))
}

func updateStatus(object client.Object) error {
	return cluster.Status().Update(context.Background(), object, client.FieldOwner("theirs"))
}

func destroy(object client.Object) error { return cluster.Delete(context.Background(), object) }

// gone lets an opponent delete an object each time that it is there.
func gone(client.Object, int) bool { return true }

// cachePolicies is an empty list of them.
func cachePolicies() client.ObjectList {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{Group: "gateway.varnish.io", Version: "v1alpha1", Kind: "VarnishCachePolicyList"})
	return list
}

const cacheAll = `
apiVersion: gateway.varnish.io/v1alpha1
kind: VarnishCachePolicy
metadata: {name: all}
spec:
  targetRefs: [{group: gateway.networking.k8s.io, kind: Gateway, name: edge}]
  freshness: {defaultTTL: 10s}
`

// theirAncestor replaces all ancestors of a policy by one of another controller, which says
// something else each time.
func theirAncestor(object client.Object, n int) bool {
	policy := object.(*unstructured.Unstructured)
	ancestors, _, _ := unstructured.NestedSlice(policy.Object, "status", "ancestors")
	if len(ancestors) == 1 && ancestors[0].(map[string]any)["controllerName"] == "example.org/theirs" {
		return false
	}
	theirs := []any{map[string]any{
		"ancestorRef": map[string]any{"name": "edge"}, "controllerName": "example.org/theirs",
		"conditions": []any{map[string]any{
			"type": "Accepted", "status": "True", "reason": "Accepted", "message": fmt.Sprintf("for the %dth time", n),
			"lastTransitionTime": "2026-01-01T00:00:00Z",
		}},
	}}
	return unstructured.SetNestedSlice(policy.Object, theirs, "status", "ancestors") == nil
}

// invalidations is an empty list of them.
func invalidations() client.ObjectList {
	list := &unstructured.UnstructuredList{}
	list.SetGroupVersionKind(schema.GroupVersionKind{
		Group: "gateway.varnish.io", Version: "v1alpha1", Kind: "VarnishCacheInvalidationList",
	})
	return list
}

// theirCondition replaces the whole status of an invalidation by a condition that says something
// else each time.
func theirCondition(object client.Object, n int) bool {
	content := object.(*unstructured.Unstructured).Object
	conditions, _, _ := unstructured.NestedSlice(content, "status", "conditions")
	if len(conditions) == 1 && conditions[0].(map[string]any)["type"] == "example.org/Theirs" {
		return false
	}
	content["status"] = map[string]any{"conditions": []any{map[string]any{
		"type": "example.org/Theirs", "status": "True", "reason": "Theirs",
		"message": fmt.Sprintf("for the %dth time", n), "lastTransitionTime": "2026-01-01T00:00:00Z",
	}}}
	return true
}

// opponents by what they change.
func opponents() map[string]opponent {
	data := func(key string) func(client.Object, int) bool {
		return func(o client.Object, n int) bool {
			config := o.(*corev1.ConfigMap)
			if len(config.Data[key]) < 50 {
				return false
			}
			config.Data[key] = fmt.Sprintf("theirs %d", n)
			return true
		}
	}
	return map[string]opponent{
		"routing.json": {&corev1.ConfigMapList{}, gatewaypod.ConfigMapName("edge"), data(routing.File), writeBack, true},
		"main.vcl":     {&corev1.ConfigMapList{}, gatewaypod.ConfigMapName("edge"), data(gatewaypod.VCLKey), writeBack, true},
		"the finalizer": {&gatewayv1.GatewayList{}, "edge", func(o client.Object, _ int) bool {
			had := len(o.GetFinalizers()) > 0
			o.SetFinalizers(nil)
			return had
		}, writeBack, true},
		"the ancestors of a cache policy":        {cachePolicies(), "all", theirAncestor, updateStatus, false},
		"the status of an invalidation":          {invalidations(), "all", theirCondition, updateStatus, false},
		"whether there is a PodDisruptionBudget": {&policyv1.PodDisruptionBudgetList{}, gatewaypod.AccountName("edge"), gone, destroy, true},
		"whether there is a Service":             {&corev1.ServiceList{}, "edge", gone, destroy, true},
		"whether there is a ServiceAccount":      {&corev1.ServiceAccountList{}, gatewaypod.AccountName("edge"), gone, destroy, true},
		"whether there is a ConfigMap":           {&corev1.ConfigMapList{}, gatewaypod.ConfigMapName("edge"), gone, destroy, true},
	}
}

// TestNobodyIsFoughtWithoutEnd: what another controller changes back each time is put right less
// and less often. All opponents work at once, each on a Gateway of its own.
func TestNobodyIsFoughtWithoutEnd(t *testing.T) {
	_, tr := startCounted(t)
	opponents, namespaces := opponents(), map[string]string{}
	for name := range opponents {
		ns, backends := servingGateway(t), namespace(t)
		apply(t, backends, grant(ns))
		apply(t, ns, cacheAll+"---"+routeTo("far", backends))
		eventuallyAccesses(t, backends, 2)
		eventuallyRoutes(t, ns, "far", "web")
		eventuallyCondition(t, ofCachePolicy(t, ns, "all"), "Accepted", "True", "", "")
		invalidate(t, ns, "all", "all: true")
		eventuallyCondition(t, ofInvalidation(t, ns, "all"), "Complete", "True", "", "")
		namespaces[name] = ns
	}
	tr.settle(t)
	tr.begin()
	defer func() { t.Log(tr.report()) }()
	changes := map[string]*atomic.Int64{}
	for name, o := range opponents {
		changes[name] = o.fight(t, namespaces[name])
	}
	for name, o := range opponents {
		eventually(t, "an opponent to have worked at "+name, func() error {
			if n := changes[name].Load(); n < 3 {
				return fmt.Errorf("%d changes", n)
			}
			return nil
		})
		if !o.reported {
			continue
		}
		eventually(t, "it to be told who changes "+name, func() error {
			conditions, err := ofGateway(t, namespaces[name], "edge")()
			if c := meta.FindStatusCondition(conditions, "Programmed"); err == nil && (c == nil || !strings.Contains(c.Message, "each time that it is")) {
				err = fmt.Errorf("Programmed is %+v", c)
			}
			return err
		})
	}
	// Writes come after 0, 1, 3, 7, 15 and 31 seconds, some of them by two writers. Without a bound
	// there were some thousand a minute.
	_, writes, _, _ := tr.most()
	assert.LessOrEqual(t, writes, 20, "writes of one object")
}
