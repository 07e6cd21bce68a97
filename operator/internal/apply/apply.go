// Package apply writes objects of ours by server-side apply, and only where that changes something.
package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Writer applies objects as one field manager.
type Writer struct {
	Client client.Client
	// Manager owns the fields that are applied.
	Manager string
}

// Apply writes the desired object where the live one, which may be nil, does not hold it. It returns the object as
// it is now, and whether it was written. What the desired object said before and does not say any more is taken
// away: a digest of what it said is kept as an annotation. Of parts that have a digest of their own ("spec.template"), this one
// says nothing.
func (w Writer) Apply(ctx context.Context, desired, live client.Object, parts ...string) (client.Object, bool, error) {
	content, err := Content(desired, parts...)
	if err != nil {
		return nil, false, err
	}
	if isThere(live) {
		now, err := Content(live)
		if err != nil {
			return nil, false, err
		}
		// Not every reader says the kind.
		if holds(now, without(content, []string{"apiVersion", "kind"})) {
			return live, false, nil
		}
	}
	return w.write(ctx, content)
}

// Write applies the object as it is, without looking at the live one.
func (w Writer) Write(ctx context.Context, desired client.Object) (client.Object, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(desired)
	if err != nil {
		return nil, fmt.Errorf("convert %s: %w", name(desired), err)
	}
	delete(content, "status")
	written, _, err := w.write(ctx, content)
	return written, err
}

func (w Writer) write(ctx context.Context, content map[string]any) (client.Object, bool, error) {
	object := &unstructured.Unstructured{Object: content}
	what := name(object)
	err := w.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner(w.Manager), client.ForceOwnership)
	if err != nil {
		return nil, false, fmt.Errorf("apply %s: %w", what, err)
	}
	count(object, "apply")
	return object, true, nil
}

// Delete removes an object if it is still the one that was looked at.
func (w Writer) Delete(ctx context.Context, object client.Object) error {
	uid, version := object.GetUID(), object.GetResourceVersion()
	err := w.Client.Delete(ctx, object, client.Preconditions{UID: &uid, ResourceVersion: &version})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete %s: %w", name(object), err)
	}
	if err == nil {
		count(object, "delete")
	}
	return nil
}

// Content is what an object says, with the digest of it but for some parts; what only the API server says is left out.
func Content(object client.Object, parts ...string) (map[string]any, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("convert %s: %w", name(object), err)
	}
	delete(content, "status")
	if object.GetResourceVersion() != "" {
		return content, nil
	}
	said, err := json.Marshal(without(content, parts))
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", name(object), err)
	}
	annotated := &unstructured.Unstructured{Object: content}
	annotations := maps.Clone(annotated.GetAnnotations())
	if annotations == nil {
		annotations = map[string]string{}
	}
	annotations[AnnotationDigest] = digest(said)
	annotated.SetAnnotations(annotations)
	return content, nil
}

func without(content map[string]any, parts []string) map[string]any {
	rest := runtime.DeepCopyJSON(content)
	for _, path := range parts {
		unstructured.RemoveNestedField(rest, strings.Split(path, ".")...)
	}
	return rest
}

// name of an object in messages.
func name(object client.Object) string {
	kind := object.GetObjectKind().GroupVersionKind().Kind
	if kind == "" {
		kind = reflect.TypeOf(object).Elem().Name()
	}
	return kind + " " + client.ObjectKeyFromObject(object).String()
}

func isThere(live client.Object) bool {
	return live != nil && !reflect.ValueOf(live).IsNil() && live.GetResourceVersion() != ""
}
