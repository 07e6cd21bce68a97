//go:build apiserver

package controller

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"sigs.k8s.io/yaml"
)

// TestTheOperatorStopsWhenOtherKindsAreInstalled takes ReferenceGrants away, and gives them back.
func TestTheOperatorStopsWhenOtherKindsAreInstalled(t *testing.T) {
	data, err := os.ReadFile("../../operator/internal/crds/manifests/gateway.networking.k8s.io_referencegrants.yaml")
	require.NoError(t, err)
	definition := &unstructured.Unstructured{}
	require.NoError(t, yaml.Unmarshal(data, &definition.Object))
	running := startOperator(t)
	require.NoError(t, cluster.Delete(t.Context(), definition.DeepCopy()))
	assert.NoError(t, running.await(t), "it asks to be started again")

	without := startOperator(t)
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "ResolvedRefs", "True", "", "")

	require.NoError(t, cluster.Create(t.Context(), definition.DeepCopy()))
	assert.NoError(t, without.await(t))
	eventually(t, "the kind to be served", func() error {
		grants := &unstructured.UnstructuredList{}
		grants.SetAPIVersion("gateway.networking.k8s.io/v1")
		grants.SetKind("ReferenceGrantList")
		return cluster.List(t.Context(), grants)
	})
	startOperator(t)
}
