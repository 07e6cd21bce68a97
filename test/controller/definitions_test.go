//go:build apiserver

package controller

import (
	"context"
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// TestTheOperatorBeginsAnewWhenOtherKindsAreInstalled takes ReferenceGrants away, and gives them back.
func TestTheOperatorBeginsAnewWhenOtherKindsAreInstalled(t *testing.T) {
	data, err := os.ReadFile("../../operator/internal/crds/manifests/gateway.networking.k8s.io_referencegrants.yaml")
	require.NoError(t, err)
	definition := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal(data, &definition.Object))
	running := startOperator(t)
	require.NoError(t, cluster.Delete(t.Context(), definition.DeepCopy()))
	running.begun(t, 2)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "True", "", "")

	require.NoError(t, cluster.Create(t.Context(), definition.DeepCopy()))
	running.begun(t, 3)
	eventually(t, "the kind to be served", func() error {
		grants := &unstructured.UnstructuredList{}
		grants.SetAPIVersion("gateway.networking.k8s.io/v1")
		grants.SetKind("ReferenceGrantList")
		return cluster.List(t.Context(), grants)
	})
}

// TestTheOperatorBeginsAnewWhenADefinitionGetsAnotherSchema, since its open watches go on without the new fields.
func TestTheOperatorBeginsAnewWhenADefinitionGetsAnotherSchema(t *testing.T) {
	definition := &unstructured.Unstructured{}
	definition.SetAPIVersion("apiextensions.k8s.io/v1")
	definition.SetKind("CustomResourceDefinition")
	key := types.NamespacedName{Name: "gatewayparameters.gateway.varnish.io"}
	require.NoError(t, cluster.Get(t.Context(), key, definition))
	before := definition.DeepCopy()
	versions, _, err := unstructured.NestedSlice(definition.Object, "spec", "versions")
	require.NoError(t, err)
	unstructured.RemoveNestedField(versions[0].(map[string]any), "schema", "openAPIV3Schema", "properties", "spec", "properties", "podDisruptionBudget")
	require.NoError(t, unstructured.SetNestedSlice(definition.Object, versions, "spec", "versions"))

	// before the operator starts, so that it has stopped when this runs
	t.Cleanup(func() {
		// The context of the test has ended by now.
		ctx := context.Background()
		assert.NoError(t, cluster.Get(ctx, key, definition))
		before.SetResourceVersion(definition.GetResourceVersion())
		assert.NoError(t, cluster.Update(ctx, before))
	})
	running := startOperator(t)
	require.NoError(t, cluster.Update(t.Context(), definition))
	running.begun(t, 2)

	require.NoError(t, cluster.Get(t.Context(), key, definition))
	definition.SetAnnotations(map[string]string{"example.com/note": "concerns no field"})
	require.NoError(t, cluster.Update(t.Context(), definition))
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "True", "", "")
	running.begun(t, 2)
}
