// Package apply writes objects of ours by server-side apply, only where that changes something, and puts right what others
// have changed of them.
package apply

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"reflect"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Writer applies objects as one field manager.
type Writer struct {
	Client client.Client
	// Manager owns the fields that are applied.
	Manager string
	// Corrections bound how often an object is put right; nil for no bound.
	Corrections *Corrections
}

// Apply writes the desired object where the live one, which may be nil, is not as desired. It returns the object as it is now, and
// whether it was written. What the desired object said before and does not say any more is taken away: a digest of what it said
// is kept as an annotation. A ContestedError comes with the object as it is, where it is there.
func (w Writer) Apply(ctx context.Context, desired, live client.Object) (client.Object, bool, error) {
	content, err := Content(desired)
	if err != nil {
		return nil, false, err
	}
	if !isThere(live) {
		return w.make(ctx, content)
	}
	now, err := Content(live)
	if err != nil {
		return nil, false, err
	}
	differences := compare(kindOf(content), now, withoutType(content))
	if len(differences) == 0 {
		return live, false, nil
	}
	// Where we want what we wanted before, somebody else has changed it.
	said := live.GetAnnotations()[AnnotationDigest]
	corrects := said == "" || said == digestOf(content)
	if err := w.Corrections.begin(name(desired), digestOf(content), corrects, differences); err != nil {
		return live, false, err
	}
	written, err := w.correct(ctx, content, live, now, differences)
	if err != nil {
		w.Corrections.failed(name(desired))
		return nil, false, err
	}
	return written, true, w.undone(content, written)
}

// make writes an object that is not there.
func (w Writer) make(ctx context.Context, content map[string]any) (client.Object, bool, error) {
	what := name(&unstructured.Unstructured{Object: content})
	if err := w.Corrections.beginAnew(what, digestOf(content)); err != nil {
		return nil, false, err
	}
	now, err := w.apply(ctx, content)
	if err != nil {
		w.Corrections.failed(what)
		return nil, false, err
	}
	return now, true, w.undone(content, now)
}

// correct writes what is desired over a live object that differs from it.
func (w Writer) correct(ctx context.Context, content map[string]any, live client.Object, now map[string]any, differences []difference) (client.Object, error) {
	for _, d := range differences {
		if d.fixed {
			if err := w.Delete(ctx, live); err != nil {
				return nil, err
			}
			return w.apply(ctx, content)
		}
	}
	kind := kindOf(content)
	written, err := w.apply(ctx, content)
	switch {
	case err == nil && len(compare(kind, written.Object, content)) == 0:
		return written, nil
	case err == nil:
		now = written.Object
	case !apierrors.IsInvalid(err):
		return nil, err
	}
	// Server-side apply leaves what others added to a list or a map, beside which ours may not even be valid.
	patched, patchErr := w.replace(ctx, content, now)
	switch {
	case patchErr != nil && err != nil:
		return nil, err
	case patchErr != nil:
		return nil, patchErr
	case err == nil:
		return patched, nil
	}
	return w.apply(ctx, content)
}

// replace writes the live object, which it must still be, with everything in it as desired.
func (w Writer) replace(ctx context.Context, content, now map[string]any) (*unstructured.Unstructured, error) {
	before := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(now)}
	before.SetAPIVersion(content["apiVersion"].(string))
	before.SetKind(kindOf(content))
	after := &unstructured.Unstructured{Object: merge(kindOf(content), before.Object, content)}
	what := name(after)
	patch := client.MergeFromWithOptions(before, client.MergeFromWithOptimisticLock{})
	if err := w.Client.Patch(ctx, after, patch, client.FieldOwner(w.Manager)); err != nil {
		return nil, fmt.Errorf("put %s right: %w", what, err)
	}
	count(after, "patch")
	return after, nil
}

// undone compares what was written with what the API server made of it.
func (w Writer) undone(content map[string]any, written client.Object) error {
	now, ok := written.(*unstructured.Unstructured)
	if !ok {
		return nil
	}
	if differences := compare(kindOf(content), now.Object, content); len(differences) > 0 {
		return w.Corrections.undone(name(now), digestOf(content), differences)
	}
	return nil
}

// Write applies the object as it is, without looking at the live one.
func (w Writer) Write(ctx context.Context, desired client.Object) (client.Object, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(desired)
	if err != nil {
		return nil, fmt.Errorf("convert %s: %w", name(desired), err)
	}
	delete(content, "status")
	return w.apply(ctx, content)
}

func (w Writer) apply(ctx context.Context, content map[string]any) (*unstructured.Unstructured, error) {
	// The answer is written into what is sent.
	object := &unstructured.Unstructured{Object: runtime.DeepCopyJSON(content)}
	what := name(object)
	err := w.Client.Apply(ctx, client.ApplyConfigurationFromUnstructured(object), client.FieldOwner(w.Manager), client.ForceOwnership)
	if err != nil {
		return nil, fmt.Errorf("apply %s: %w", what, err)
	}
	count(object, "apply")
	return object, nil
}

// Delete removes an object if it is still the one that was looked at.
func (w Writer) Delete(ctx context.Context, object client.Object) error {
	uid, version := object.GetUID(), object.GetResourceVersion()
	err := w.Client.Delete(ctx, object, client.Preconditions{UID: &uid, ResourceVersion: &version})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete %s: %w", name(object), err)
	}
	w.Corrections.deleted(name(object))
	if err == nil {
		count(object, "delete")
	}
	return nil
}

// Content is what an object says, with the digest of it; what only the API server says is left out.
func Content(object client.Object) (map[string]any, error) {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(object)
	if err != nil {
		return nil, fmt.Errorf("convert %s: %w", name(object), err)
	}
	delete(content, "status")
	if object.GetResourceVersion() != "" {
		return content, nil
	}
	said, err := json.Marshal(content)
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

// withoutType leaves out the kind: not every reader says it.
func withoutType(content map[string]any) map[string]any {
	rest := maps.Clone(content)
	delete(rest, "apiVersion")
	delete(rest, "kind")
	return rest
}

func kindOf(content map[string]any) string {
	kind, _ := content["kind"].(string)
	return kind
}

func digestOf(content map[string]any) string {
	return (&unstructured.Unstructured{Object: content}).GetAnnotations()[AnnotationDigest]
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
