package gather

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	fakediscovery "k8s.io/client-go/discovery/fake"
	clienttesting "k8s.io/client-go/testing"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// own are the kinds that are ours.
var own = []string{"gatewayclassparameters", "gatewayparameters", "varnishcachepolicies", "varnishcacheinvalidations"}

// discover asks an API server that serves resources, by group and version, and whose definitions say their bundles.
func discover(t *testing.T, served map[string][]string, bundles map[string]string) (Installed, error) {
	t.Helper()
	api := &fakediscovery.FakeDiscovery{Fake: &clienttesting.Fake{}}
	for gv, resources := range served {
		list := &metav1.APIResourceList{GroupVersion: gv}
		for _, resource := range resources {
			list.APIResources = append(list.APIResources, metav1.APIResource{Name: resource})
		}
		api.Resources = append(api.Resources, list)
	}
	scheme := runtime.NewScheme()
	require.NoError(t, metav1.AddMetaToScheme(scheme))
	definitions := fake.NewClientBuilder().WithScheme(scheme)
	for resource, bundle := range bundles {
		definition := Metadata(CustomResourceDefinitionKind)
		definition.Name = resource + ".gateway.networking.k8s.io"
		if bundle != "" {
			definition.Annotations = map[string]string{consts.BundleVersionAnnotation: bundle}
		}
		definition.Generation = int64(len(bundle))
		definitions.WithObjects(definition)
	}
	for i, resource := range own {
		definition := Metadata(CustomResourceDefinitionKind)
		definition.Name, definition.Generation = resource+".gateway.varnish.io", int64(10+i)
		definitions.WithObjects(definition)
	}
	return Discover(t.Context(), api, definitions.Build())
}

func TestEveryDefinitionThatIsReadSaysItsBundle(t *testing.T) {
	v1 := []string{"gatewayclasses", "gateways", "httproutes"}
	bundles := map[string]string{"gatewayclasses": "v1.7.0", "gateways": "v1.6.0", "httproutes": "", "referencegrants": "v1.7.0"}
	without := []inputs.Definition{
		{Resource: "gatewayclasses", BundleVersion: "v1.7.0"}, {Resource: "gateways", BundleVersion: "v1.6.0"}, {Resource: "httproutes"},
	}
	with := append(without[:3:3], inputs.Definition{Resource: "referencegrants", BundleVersion: "v1.7.0"})
	bundles["backendtlspolicies"] = "v1.4.0"
	policies := append(without[:3:3], inputs.Definition{Resource: "backendtlspolicies", BundleVersion: "v1.4.0"})
	both := append(with[:4:4], policies[3])
	for name, c := range map[string]struct {
		served   map[string][]string
		grants   string
		policies string
		want     []inputs.Definition
	}{
		"without ReferenceGrants": {map[string][]string{"gateway.networking.k8s.io/v1": v1, "gateway.varnish.io/v1alpha1": own}, "", "", without},
		"with older ReferenceGrants": {map[string][]string{
			"gateway.networking.k8s.io/v1": v1, "gateway.networking.k8s.io/v1beta1": {"referencegrants"}, "gateway.varnish.io/v1alpha1": own,
		}, "v1beta1", "", with},
		"with ReferenceGrants": {map[string][]string{
			"gateway.networking.k8s.io/v1": append(v1[:3:3], "referencegrants"), "gateway.varnish.io/v1alpha1": own,
		}, "v1", "", with},
		"with older BackendTLSPolicies": {map[string][]string{
			"gateway.networking.k8s.io/v1": v1, "gateway.networking.k8s.io/v1alpha3": {"backendtlspolicies"}, "gateway.varnish.io/v1alpha1": own,
		}, "", "v1alpha3", policies},
		"with both": {map[string][]string{
			"gateway.networking.k8s.io/v1":       append(v1[:3:3], "referencegrants", "backendtlspolicies"),
			"gateway.networking.k8s.io/v1alpha3": {"backendtlspolicies"}, "gateway.varnish.io/v1alpha1": own,
		}, "v1", "v1", both},
	} {
		t.Run(name, func(t *testing.T) {
			installed, err := discover(t, c.served, bundles)
			require.NoError(t, err)
			versions := map[string]string{}
			for _, kind := range installed.Kinds {
				versions[kind.Resource] = kind.Version
			}
			assert.Equal(t, c.grants, versions["referencegrants"])
			assert.Equal(t, c.policies, versions["backendtlspolicies"])
			assert.Equal(t, c.want, installed.definitions())
			var generations []int64
			for _, definition := range c.want {
				generations = append(generations, int64(len(definition.BundleVersion)))
			}
			var got []int64
			for _, kind := range installed.Kinds {
				got = append(got, kind.Generation)
			}
			assert.Equal(t, append(generations, 10, 11, 12, 13), got)
		})
	}
}

func TestWhatIsMissingIsNamed(t *testing.T) {
	_, err := discover(t, map[string][]string{"gateway.networking.k8s.io/v1": {"gatewayclasses", "gateways"}}, nil)
	var missing *MissingError
	require.ErrorAs(t, err, &missing)
	assert.Equal(t, []string{
		"httproutes.gateway.networking.k8s.io/v1", "gatewayclassparameters.gateway.varnish.io/v1alpha1", "gatewayparameters.gateway.varnish.io/v1alpha1",
		"varnishcachepolicies.gateway.varnish.io/v1alpha1",
	}, missing.Resources)
}
