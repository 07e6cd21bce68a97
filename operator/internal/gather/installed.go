package gather

import (
	"context"
	"fmt"
	"slices"
	"strings"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/discovery"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gatewayv1alpha3 "sigs.k8s.io/gateway-api/apis/v1alpha3"
	gatewayv1beta1 "sigs.k8s.io/gateway-api/apis/v1beta1"
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// Installed says which of the kinds that we can serve are there.
type Installed struct {
	// Definitions of the Gateway API's kinds that are read, in a fixed order; one that is not installed has no name.
	Definitions [5]inputs.Definition
	// ReferenceGrants is the version in which they are read; empty where there are none.
	ReferenceGrants string
	// BackendTLSPolicies is the version in which they are read; empty where there are none.
	BackendTLSPolicies string
	// Generations of the definitions that are read, ours behind the Gateway API's. A watch that is open while a definition
	// changes goes on without the new fields, and what it leaves out then is never sent again.
	Generations [7]int64
}

// Kinds without which nothing can be served: of the Gateway API, and our own.
var (
	required = []string{"gatewayclasses", "gateways", "httproutes"}
	own      = []string{"gatewayclassparameters", "gatewayparameters"}
)

// definitions are those that are installed.
func (i Installed) definitions() []inputs.Definition {
	return slices.DeleteFunc(slices.Clone(i.Definitions[:]), func(d inputs.Definition) bool { return d.Resource == "" })
}

// MissingError names the kinds without which nothing can be served.
type MissingError struct{ Resources []string }

func (e *MissingError) Error() string {
	return "not installed: " + strings.Join(e.Resources, ", ")
}

// CustomResourceDefinitionKind is what tells of kinds that come and go.
var CustomResourceDefinitionKind = schema.GroupVersionKind{
	Group: "apiextensions.k8s.io", Version: "v1", Kind: "CustomResourceDefinition",
}

// The versions in which the Gateway API's kinds are taken.
var (
	gatewayGA    = schema.GroupVersion(gatewayv1.GroupVersion)
	gatewayBeta  = schema.GroupVersion(gatewayv1beta1.GroupVersion)
	gatewayAlpha = schema.GroupVersion(gatewayv1alpha3.GroupVersion)
)

// Concerns tells whether a definition is of a group that Discover looks at.
func Concerns(definition string) bool {
	return strings.HasSuffix(definition, "."+gatewayv1.GroupName) || strings.HasSuffix(definition, "."+v1alpha1.GroupName)
}

// Discover asks the API server what is installed. It returns a *MissingError where that is too little.
func Discover(ctx context.Context, api discovery.DiscoveryInterface, reader client.Reader) (Installed, error) {
	var installed Installed
	served := map[schema.GroupVersion]map[string]bool{}
	for _, gv := range []schema.GroupVersion{gatewayGA, gatewayBeta, gatewayAlpha, v1alpha1.GroupVersion} {
		resources, err := resourcesOf(api, gv)
		if err != nil {
			return installed, err
		}
		served[gv] = resources
	}
	var missing []string
	for _, each := range []struct {
		version   schema.GroupVersion
		resources []string
	}{
		{gatewayGA, required},
		{v1alpha1.GroupVersion, own},
	} {
		for _, resource := range each.resources {
			if !served[each.version][resource] {
				missing = append(missing, resource+"."+each.version.String())
			}
		}
	}
	if len(missing) > 0 {
		return installed, &MissingError{Resources: missing}
	}
	read := slices.Clone(required)
	for _, optional := range []struct {
		resource string
		// versions in which it can be read, the preferred one first.
		versions []schema.GroupVersion
		chosen   *string
	}{
		{inputs.ReferenceGrants, []schema.GroupVersion{gatewayGA, gatewayBeta}, &installed.ReferenceGrants},
		{inputs.BackendTLSPolicies, []schema.GroupVersion{gatewayGA, gatewayAlpha}, &installed.BackendTLSPolicies},
	} {
		i := slices.IndexFunc(optional.versions, func(gv schema.GroupVersion) bool { return served[gv][optional.resource] })
		if i >= 0 {
			*optional.chosen = optional.versions[i].Version
			read = append(read, optional.resource)
		}
	}
	for i, resource := range read {
		definition, err := definitionOf(ctx, reader, resource, gatewayv1.GroupName)
		if err != nil {
			return installed, err
		}
		installed.Definitions[i] = inputs.Definition{
			Resource: resource, BundleVersion: definition.Annotations[consts.BundleVersionAnnotation],
		}
		installed.Generations[i] = definition.Generation
	}
	for i, resource := range own {
		definition, err := definitionOf(ctx, reader, resource, v1alpha1.GroupName)
		if err != nil {
			return installed, err
		}
		installed.Generations[len(installed.Definitions)+i] = definition.Generation
	}
	return installed, nil
}

func definitionOf(ctx context.Context, reader client.Reader, resource, group string) (*metav1.PartialObjectMetadata, error) {
	definition := Metadata(CustomResourceDefinitionKind)
	if err := reader.Get(ctx, types.NamespacedName{Name: resource + "." + group}, definition); err != nil {
		return nil, fmt.Errorf("read the definition of %s: %w", resource, err)
	}
	return definition, nil
}

func resourcesOf(api discovery.DiscoveryInterface, gv schema.GroupVersion) (map[string]bool, error) {
	list, err := api.ServerResourcesForGroupVersion(gv.String())
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("ask which kinds %s has: %w", gv, err)
	}
	resources := map[string]bool{}
	for _, resource := range list.APIResources {
		resources[resource.Name] = true
	}
	return resources, nil
}
