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
	"sigs.k8s.io/gateway-api/pkg/consts"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// Installed says which of the kinds that are read are there, in the order of inputs.Kinds.
type Installed struct {
	Kinds []InstalledKind
}

// InstalledKind is a kind that is there.
type InstalledKind struct {
	Resource string
	// Version in which it is read.
	Version string
	// BundleVersion of the Gateway API that its definition is part of; empty where it does not say
	// so.
	BundleVersion string
	// Generation of its definition. A watch that is open while a definition changes goes on without
	// the new fields, and what it leaves out then is never sent again.
	Generation int64
}

// Equal tells whether the same is installed.
func (i Installed) Equal(other Installed) bool { return slices.Equal(i.Kinds, other.Kinds) }

// Version in which a kind is read; nil where it is not there.
func (i Installed) Version(kind *inputs.Kind) *inputs.Version {
	at := slices.IndexFunc(i.Kinds, func(k InstalledKind) bool { return k.Resource == kind.Resource })
	if at < 0 {
		return nil
	}
	return kind.Version(i.Kinds[at].Version)
}

// definitions are those of the Gateway API.
func (i Installed) definitions() []inputs.Definition {
	var list []inputs.Definition
	for _, kind := range inputs.Kinds {
		at := slices.IndexFunc(i.Kinds, func(k InstalledKind) bool { return k.Resource == kind.Resource })
		if at >= 0 && kind.Group == gatewayv1.GroupName {
			list = append(list, inputs.Definition{Resource: kind.Resource, BundleVersion: i.Kinds[at].BundleVersion})
		}
	}
	return list
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

// Concerns tells whether a definition is of a group that Discover looks at.
func Concerns(definition string) bool {
	return strings.HasSuffix(definition, "."+gatewayv1.GroupName) || strings.HasSuffix(definition, "."+v1alpha1.GroupName)
}

// Discover asks the API server what is installed. It returns a *MissingError where that is too
// little.
func Discover(ctx context.Context, api discovery.DiscoveryInterface, reader client.Reader) (Installed, error) {
	served := map[schema.GroupVersion]map[string]bool{}
	for i := range inputs.Kinds {
		for _, version := range inputs.Kinds[i].Versions {
			gv := inputs.Kinds[i].GroupVersion(version.Name)
			if _, known := served[gv]; known {
				continue
			}
			resources, err := resourcesOf(api, gv)
			if err != nil {
				return Installed{}, err
			}
			served[gv] = resources
		}
	}
	var installed Installed
	var missing []string
	for i := range inputs.Kinds {
		kind := &inputs.Kinds[i]
		at := slices.IndexFunc(kind.Versions, func(v inputs.Version) bool { return served[kind.GroupVersion(v.Name)][kind.Resource] })
		switch {
		case at >= 0:
			installed.Kinds = append(installed.Kinds, InstalledKind{Resource: kind.Resource, Version: kind.Versions[at].Name})
		case kind.Required:
			missing = append(missing, kind.Resource+"."+kind.GroupVersion(kind.Versions[0].Name).String())
		}
	}
	if len(missing) > 0 {
		return Installed{}, &MissingError{Resources: missing}
	}
	return installed, installed.readDefinitions(ctx, reader)
}

// readDefinitions takes from the definitions of the kinds what there is to know of them.
func (i Installed) readDefinitions(ctx context.Context, reader client.Reader) error {
	for _, kind := range inputs.Kinds {
		at := slices.IndexFunc(i.Kinds, func(k InstalledKind) bool { return k.Resource == kind.Resource })
		if at < 0 {
			continue
		}
		definition, err := definitionOf(ctx, reader, kind.Resource, kind.Group)
		if err != nil {
			return err
		}
		i.Kinds[at].BundleVersion, i.Kinds[at].Generation = definition.Annotations[consts.BundleVersionAnnotation], definition.Generation
	}
	return nil
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
