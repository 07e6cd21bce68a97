package controller

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1alpha3 "sigs.k8s.io/gateway-api/apis/v1alpha3"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/policy"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

func TestAPolicyIsToldOfInTheVersionThatIsInstalled(t *testing.T) {
	scheme := runtime.NewScheme()
	require.NoError(t, gatewayv1.Install(scheme))
	require.NoError(t, gatewayv1alpha3.Install(scheme))
	key := types.NamespacedName{Namespace: "shop", Name: "tls"}
	meta := metav1.ObjectMeta{Namespace: key.Namespace, Name: key.Name, UID: "new", Generation: 1}
	for version, object := range map[string]client.Object{
		"v1":       &gatewayv1.BackendTLSPolicy{ObjectMeta: meta},
		"v1alpha3": &gatewayv1alpha3.BackendTLSPolicy{ObjectMeta: meta},
	} {
		t.Run(version, func(t *testing.T) {
			cluster := fake.NewClientBuilder().WithScheme(scheme).WithObjects(object).WithStatusSubresource(object).Build()
			kind := inputs.KindOf(schema.GroupKind{Group: gatewayv1.GroupName, Kind: "BackendTLSPolicy"})
			r := &attachedReconciler{
				kind:     kind,
				statuses: statusWriter{cache: cluster, live: cluster, client: cluster, manager: "test"}, current: &current{},
				installed: gather.Installed{Kinds: []gather.InstalledKind{{Resource: inputs.BackendTLSPolicies, Version: version}}}, controller: inputs.ControllerName,
			}
			reconciled := func(reported ...report.Attached) []gatewayv1.PolicyAncestorStatus {
				s := &Snapshot{Attached: map[attachedKey]report.Attached{}}
				for _, each := range reported {
					s.Attached[attachedKey{each.Kind, key}] = each
				}
				r.current.Store(s)
				_, err := r.Reconcile(t.Context(), reconcile.Request{NamespacedName: key})
				require.NoError(t, err)
				live := kind.Version(version).New()
				require.NoError(t, cluster.Get(t.Context(), key, live))
				return inputs.Preferred(live).(*gatewayv1.BackendTLSPolicy).Status.Ancestors
			}
			ref := policy.AncestorRef(&metav1.ObjectMeta{Namespace: edge.Namespace, Name: edge.Name})
			reported := report.Attached{
				Kind:   kind.Name,
				Object: report.Object{Namespace: key.Namespace, Name: key.Name, UID: "old", Generation: 1},
				Entries: []report.Entry{{Ref: ref, Conditions: []report.Condition{{
					Type: "Accepted", Status: metav1.ConditionFalse, Reason: report.ReasonNotSupported,
				}}}},
			}
			assert.Empty(t, reconciled(reported), "what is to be told of one that was there before is nothing to this one")
			reported.UID = "new"
			ancestors := reconciled(reported)
			require.Len(t, ancestors, 1)
			assert.Equal(t, ref, ancestors[0].AncestorRef)
			assert.Equal(t, report.ReasonNotSupported, ancestors[0].Conditions[0].Reason)
			assert.Empty(t, reconciled(), "what we once wrote goes with the last Gateway that it mattered to")
		})
	}
}
