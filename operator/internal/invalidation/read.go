package invalidation

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/runtime"
	kjson "sigs.k8s.io/json"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/crds"
)

// Read reads the spec of a VarnishCacheInvalidation from JSON, and finds wrong what an API server
// would. Errors name the fields, without "spec".
func Read(data []byte) (v1alpha1.VarnishCacheInvalidationSpec, error) {
	var spec v1alpha1.VarnishCacheInvalidationSpec
	content := map[string]any{}
	strict, err := kjson.UnmarshalStrict(data, &content)
	if err == nil {
		err = errors.Join(strict...)
	}
	if err != nil {
		return spec, fmt.Errorf("read JSON: %w", err)
	}
	registry, err := crds.Default()
	if err != nil {
		return spec, err
	}
	object := map[string]any{
		"apiVersion": v1alpha1.GroupVersion.String(), "kind": v1alpha1.KindVarnishCacheInvalidation,
		"metadata": map[string]any{"name": "new"}, "spec": content,
	}
	found, err := registry.Lookup(v1alpha1.GroupVersion.WithKind(v1alpha1.KindVarnishCacheInvalidation)).Admit(object)
	if err != nil {
		return spec, err
	}
	for _, each := range found {
		message := each.Message
		if field := strings.TrimPrefix(strings.TrimPrefix(each.Field, "spec"), "."); field != "" && field != "<nil>" {
			message = field + ": " + message
		}
		err = errors.Join(err, errors.New(message))
	}
	if err != nil {
		return spec, err
	}
	return spec, runtime.DefaultUnstructuredConverter.FromUnstructured(content, &spec)
}

// Check finds wrong with a spec what an API server would.
func Check(spec v1alpha1.VarnishCacheInvalidationSpec) error {
	data, err := json.Marshal(spec)
	if err != nil {
		return fmt.Errorf("encode what is invalidated: %w", err)
	}
	_, err = Read(data)
	return err
}

// ReadSubjects reads what is invalidated, and how, from JSON. What else a VarnishCacheInvalidation
// has in its spec is refused.
func ReadSubjects(data []byte) (v1alpha1.CacheInvalidation, error) {
	spec, err := Read(data)
	if err != nil {
		return v1alpha1.CacheInvalidation{}, err
	}
	var others struct {
		Deadline json.RawMessage `json:"activeDeadlineSeconds"`
		TTL      json.RawMessage `json:"ttlSecondsAfterFinished"`
	}
	if err := kjson.UnmarshalCaseSensitivePreserveInts(data, &others); err != nil {
		return v1alpha1.CacheInvalidation{}, fmt.Errorf("read JSON: %w", err)
	}
	switch {
	case others.Deadline != nil:
		return v1alpha1.CacheInvalidation{}, errors.New("activeDeadlineSeconds: unknown field")
	case others.TTL != nil:
		return v1alpha1.CacheInvalidation{}, errors.New("ttlSecondsAfterFinished: unknown field")
	}
	return spec.CacheInvalidation, nil
}
