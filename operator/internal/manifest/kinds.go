package manifest

import (
	"cmp"
	"encoding/json"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	kjson "sigs.k8s.io/json"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/crds"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

// kind says how objects of one kind and version become Go values.
type kind struct {
	gvk        schema.GroupVersionKind
	namespaced bool
	// schema checks custom resources; nil for the kinds that Kubernetes itself brings.
	schema *crds.Schema
	// decode makes a Go value of the JSON of an object. It fails on fields that the type does not have.
	decode func([]byte) (metav1.Object, []violation, error)
}

// violation is what an API server would refuse of an object: a Problem whose place is not known yet.
type violation struct {
	field, message string
}

// native are the kinds that Kubernetes itself brings. Their schema is their Go type.
var native = map[schema.GroupVersionKind]kind{
	corev1.SchemeGroupVersion.WithKind("Service"):            {namespaced: true, decode: checked(admitService)},
	corev1.SchemeGroupVersion.WithKind("Secret"):             {namespaced: true, decode: checked(admitSecret)},
	corev1.SchemeGroupVersion.WithKind("ConfigMap"):          {namespaced: true, decode: checked(admitConfigMap)},
	corev1.SchemeGroupVersion.WithKind("Namespace"):          {decode: checked(admitNamespace)},
	discoveryv1.SchemeGroupVersion.WithKind("EndpointSlice"): {namespaced: true, decode: checked(admitEndpointSlice)},
}

// lookup finds out what an object is. ok is false for kinds that have no meaning here; an error is for a kind
// that has one, but cannot be used.
func lookup(registry *crds.Registry, gvk schema.GroupVersionKind) (k kind, ok bool, err error) {
	if k, ok = native[gvk]; ok {
		k.gvk = gvk
		return k, true, nil
	}
	switch gvk.Group {
	case corev1.GroupName, discoveryv1.GroupName:
		if kubernetes.Recognizes(gvk) {
			return kind{}, false, nil
		}
		var versions []string
		for _, gv := range kubernetes.VersionsForGroupKind(gvk.GroupKind()) {
			versions = append(versions, gv.Version)
		}
		return kind{}, false, unknownKind(gvk, versions)
	case gatewayv1.GroupName, v1alpha1.GroupName:
		s := registry.Lookup(gvk)
		if s == nil {
			return kind{}, false, unknownKind(gvk, registry.Versions(gvk.GroupKind()))
		}
		return kind{gvk: gvk, namespaced: s.Namespaced, schema: s, decode: decoder(gvk.GroupKind())}, true, nil
	}
	// Nobody else has kinds with these names: another group is a slip.
	own := schema.GroupKind{Group: v1alpha1.GroupName, Kind: gvk.Kind}
	if len(registry.Versions(own)) > 0 {
		return kind{}, false, fmt.Errorf("%s is of the group %s, not %s", gvk.Kind, own.Group, cmp.Or(gvk.Group, "core"))
	}
	return kind{}, false, nil
}

// kubernetes knows every kind of the groups that the native kinds are of: a name that is none of them is a slip.
var kubernetes = func() *runtime.Scheme {
	scheme := runtime.NewScheme()
	utilruntime.Must(corev1.AddToScheme(scheme))
	utilruntime.Must(discoveryv1.AddToScheme(scheme))
	return scheme
}()

// unknownKind says what there is in place of a kind in a version.
func unknownKind(gvk schema.GroupVersionKind, versions []string) error {
	if len(versions) > 0 {
		return fmt.Errorf("no version %q of %s; there is %v", gvk.Version, gvk.Kind, versions)
	}
	return fmt.Errorf("no kind %q in group %s", gvk.Kind, cmp.Or(gvk.Group, "core"))
}

// decoder is for custom resources, which their schema has already found good. It is nil for kinds that the gateway does not
// read. All versions of a kind say the same, so that each is decoded as the preferred one.
func decoder(gk schema.GroupKind) func([]byte) (metav1.Object, []violation, error) {
	known := inputs.KindOf(gk)
	if known == nil {
		return nil
	}
	return func(data []byte) (metav1.Object, []violation, error) {
		object := known.Versions[0].New()
		if err := kjson.UnmarshalCaseSensitivePreserveInts(data, object); err != nil {
			return nil, nil, err
		}
		return object, nil, nil
	}
}

// checked decodes strictly, and has admit fill in the defaults and look for what is wrong.
func checked[T any, P interface {
	*T
	metav1.Object
}](admit func(P) []violation) func([]byte) (metav1.Object, []violation, error) {
	return func(data []byte) (metav1.Object, []violation, error) {
		object := P(new(T))
		strict, err := kjson.UnmarshalStrict(data, object, kjson.DisallowUnknownFields)
		if err != nil {
			return nil, nil, err
		}
		var found []violation
		for _, err := range strict {
			found = append(found, violation{message: err.Error()})
		}
		return object, append(found, admit(object)...), nil
	}
}

// typeOf reads what kind of object a value says it is.
func typeOf(value map[string]any) (schema.GroupVersionKind, error) {
	apiVersion, _ := value["apiVersion"].(string)
	name, _ := value["kind"].(string)
	switch {
	case apiVersion == "":
		return schema.GroupVersionKind{}, fmt.Errorf("apiVersion: Required value")
	case name == "":
		return schema.GroupVersionKind{}, fmt.Errorf("kind: Required value")
	}
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return schema.GroupVersionKind{}, fmt.Errorf("apiVersion: %w", err)
	}
	return gv.WithKind(name), nil
}

// encode cannot fail for values that came out of JSON.
func encode(value map[string]any) ([]byte, error) {
	data, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encoding the object: %w", err)
	}
	return data, nil
}
