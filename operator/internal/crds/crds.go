// Package crds holds the CustomResourceDefinitions that the gateway understands, and checks objects against
// them as an API server would: unknown fields, defaults, the OpenAPI schema, list types, and CEL rules.
package crds

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"sigs.k8s.io/yaml"
)

//go:generate go run ./copy

//go:embed manifests
var manifests embed.FS

// Registry holds one Schema for each kind and version.
type Registry struct {
	schemas map[schema.GroupVersionKind]*Schema
	kinds   map[schema.GroupKind][]string
}

// Default is the registry of the embedded definitions; it is read on first use.
var Default = sync.OnceValues(func() (*Registry, error) { return load(manifests) })

// Lookup finds the schema of a kind in a version; nil where there is none.
func (r *Registry) Lookup(gvk schema.GroupVersionKind) *Schema {
	return r.schemas[gvk]
}

// Versions of a kind that are served, in alphabetical order; empty for an unknown kind.
func (r *Registry) Versions(gk schema.GroupKind) []string {
	return r.kinds[gk]
}

func load(files fs.FS) (*Registry, error) {
	r := &Registry{schemas: map[schema.GroupVersionKind]*Schema{}, kinds: map[schema.GroupKind][]string{}}
	paths, err := fs.Glob(files, "manifests/*.yaml")
	if err != nil {
		return nil, err
	}
	for _, path := range paths {
		data, err := fs.ReadFile(files, path)
		if err != nil {
			return nil, err
		}
		if err := r.add(data); err != nil {
			return nil, fmt.Errorf("reading %s: %w", path, err)
		}
	}
	return r, nil
}

func (r *Registry) add(data []byte) error {
	var crd apiextensionsv1.CustomResourceDefinition
	if err := yaml.UnmarshalStrict(data, &crd); err != nil {
		return err
	}
	apiextensionsv1.SetDefaults_CustomResourceDefinition(&crd)
	gk := schema.GroupKind{Group: crd.Spec.Group, Kind: crd.Spec.Names.Kind}
	for _, version := range crd.Spec.Versions {
		if !version.Served || version.Schema == nil {
			continue
		}
		props := &apiextensions.JSONSchemaProps{}
		if err := apiextensionsv1.Convert_v1_JSONSchemaProps_To_apiextensions_JSONSchemaProps(version.Schema.OpenAPIV3Schema, props, nil); err != nil {
			return fmt.Errorf("%s %s: %w", gk, version.Name, err)
		}
		s := &Schema{Namespaced: crd.Spec.Scope == apiextensionsv1.NamespaceScoped}
		s.compile = sync.OnceValues(func() (*compiled, error) { return compile(props) })
		r.schemas[gk.WithVersion(version.Name)] = s
		r.kinds[gk] = append(r.kinds[gk], version.Name)
	}
	slices.Sort(r.kinds[gk])
	return nil
}
