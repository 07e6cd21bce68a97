package inputs_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1alpha3 "sigs.k8s.io/gateway-api/apis/v1alpha3"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

func TestEveryKindHasItsDefinitionItsRightsAndItsPlace(t *testing.T) {
	rights, err := os.ReadFile("../controller/rbac.go")
	require.NoError(t, err)
	chart, err := os.ReadFile("../../../deploy/chart/manifests/rbac/cluster.yaml")
	require.NoError(t, err)
	for i := range inputs.Kinds {
		kind := &inputs.Kinds[i]
		read := regexp.MustCompile(`groups=` + regexp.QuoteMeta(kind.Group) + `,resources=\S*\b` + kind.Resource + `\b\S*,verbs=get;list;watch`)
		assert.Regexp(t, read, string(rights), kind.Name)
		assert.Regexp(t, regexp.MustCompile(`resources: \[.*\b`+kind.Resource+`\b`), string(chart), kind.Name)
		if kind.Attached != nil {
			write := regexp.MustCompile(`groups=` + regexp.QuoteMeta(kind.Group) + `,resources=\S*\b` + kind.Resource + `/status\b\S*,verbs=\S*update`)
			assert.Regexp(t, write, string(rights), kind.Name)
			assert.Regexp(t, regexp.MustCompile(`\b`+kind.Resource+`/status\b`), string(chart), kind.Name)
		}
		definition, err := os.ReadFile(filepath.Join("../crds/manifests", kind.Group+"_"+kind.Resource+".yaml"))
		require.NoError(t, err)
		assert.Contains(t, string(definition), "    kind: "+kind.Name+"\n")
		for _, version := range kind.Versions {
			assert.True(t, strings.Contains(string(definition), "    name: "+version.Name+"\n"), "%s %s", kind.Name, version.Name)
			assert.Equal(t, version.Name, kind.Version(version.Name).Name)
			// Whatever the version, an object ends up in the inputs.
			var in inputs.Inputs
			kind.Add(&in, version.New())
			assert.NotEqual(t, inputs.Inputs{}, in, "%s %s", kind.Name, version.Name)
		}
		assert.Same(t, kind, inputs.KindOf(schema.GroupKind{Group: kind.Group, Kind: kind.Name}))
	}
	assert.Nil(t, inputs.KindOf(schema.GroupKind{Group: gatewayv1.GroupName, Kind: "GRPCRoute"}))
}

func TestWhatIsAttachedTellsItInEveryVersion(t *testing.T) {
	entry := inputs.Entry{Ref: gatewayv1.ParentReference{Name: "edge"}, ControllerName: "example.org/x"}
	for _, kind := range inputs.AttachedKinds() {
		for _, version := range kind.Versions {
			object := version.New()
			assert.Empty(t, kind.Attached.Entries(object))
			kind.Attached.SetEntries(object, []inputs.Entry{entry})
			assert.Equal(t, []inputs.Entry{entry}, kind.Attached.Entries(object), "%s %s", kind.Name, version.Name)
			assert.Contains(t, kind.Attached.Conditions, "Accepted")
			if kind.Attached.Parents != nil {
				assert.Empty(t, kind.Attached.Parents(object))
			}
		}
	}
}

func TestObjectsOfOlderVersionsAreThePreferredOnes(t *testing.T) {
	assert.IsType(t, &gatewayv1.ReferenceGrant{}, inputs.Preferred(&gatewayv1beta1.ReferenceGrant{}))
	assert.IsType(t, &gatewayv1.BackendTLSPolicy{}, inputs.Preferred(&gatewayv1alpha3.BackendTLSPolicy{}))
	assert.IsType(t, &gatewayv1.Gateway{}, inputs.Preferred(&gatewayv1.Gateway{}))
}
