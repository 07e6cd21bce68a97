package gather

import (
	"context"
	"fmt"
	"maps"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Contents reads Secrets and ConfigMaps of which the cache holds the metadata alone. What is asked for is read once for
// each version of it; a cluster's other Secrets never come here.
type Contents struct {
	// Cache holds metadata, Live is the API server.
	Cache, Live client.Reader

	mu         sync.Mutex
	secrets    map[types.NamespacedName]*corev1.Secret
	configMaps map[types.NamespacedName]*corev1.ConfigMap
	// failures of reads while gathering that are not made up for yet.
	failures map[reference]failure
}

// Kinds whose metadata is cached.
var (
	SecretKind    = corev1.SchemeGroupVersion.WithKind("Secret")
	ConfigMapKind = corev1.SchemeGroupVersion.WithKind("ConfigMap")
	NamespaceKind = corev1.SchemeGroupVersion.WithKind("Namespace")
)

// Secret returns a Secret that is not to be changed, or nil where there is none.
func (c *Contents) Secret(ctx context.Context, key types.NamespacedName) (*corev1.Secret, error) {
	version, err := c.version(ctx, SecretKind, key)
	if err != nil || version == "" {
		return nil, err
	}
	c.mu.Lock()
	known := c.secrets[key]
	c.mu.Unlock()
	if known != nil && known.ResourceVersion == version {
		return known, nil
	}
	secret := &corev1.Secret{}
	if there, err := c.read(ctx, key, secret); !there {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.secrets == nil {
		c.secrets = map[types.NamespacedName]*corev1.Secret{}
	}
	c.secrets[key] = secret
	return secret, nil
}

// ConfigMap returns a ConfigMap that is not to be changed, or nil where there is none.
func (c *Contents) ConfigMap(ctx context.Context, key types.NamespacedName) (*corev1.ConfigMap, error) {
	version, err := c.version(ctx, ConfigMapKind, key)
	if err != nil || version == "" {
		return nil, err
	}
	c.mu.Lock()
	known := c.configMaps[key]
	c.mu.Unlock()
	if known != nil && known.ResourceVersion == version {
		return known, nil
	}
	configMap := &corev1.ConfigMap{}
	if there, err := c.read(ctx, key, configMap); !there {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.configMaps == nil {
		c.configMaps = map[types.NamespacedName]*corev1.ConfigMap{}
	}
	c.configMaps[key] = configMap
	return configMap, nil
}

// Remember a ConfigMap that was just written: until the cache knows of it, it is read again.
func (c *Contents) Remember(configMap *corev1.ConfigMap) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.configMaps == nil {
		c.configMaps = map[types.NamespacedName]*corev1.ConfigMap{}
	}
	c.configMaps[types.NamespacedName{Namespace: configMap.Namespace, Name: configMap.Name}] = configMap
}

// Forget what is known of a name.
func (c *Contents) Forget(keys ...types.NamespacedName) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		delete(c.secrets, key)
		delete(c.configMaps, key)
	}
}

// Keep forgets what is not referred to any more.
func (c *Contents) Keep(references References) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.secrets {
		if !references.Secrets[key] {
			delete(c.secrets, key)
		}
	}
	for key := range c.configMaps {
		if !references.ConfigMaps[key] {
			delete(c.configMaps, key)
		}
	}
	maps.DeleteFunc(c.failures, func(r reference, _ failure) bool {
		return !references.Secrets[r.NamespacedName] && !references.ConfigMaps[r.NamespacedName]
	})
}

// version of an object as the cache knows it; empty where there is none.
func (c *Contents) version(ctx context.Context, kind schema.GroupVersionKind, key types.NamespacedName) (string, error) {
	metadata := Metadata(kind)
	if err := c.Cache.Get(ctx, key, metadata); err != nil {
		if apierrors.IsNotFound(err) {
			return "", nil
		}
		return "", fmt.Errorf("look up %s %s: %w", kind.Kind, key, err)
	}
	return metadata.ResourceVersion, nil
}

func (c *Contents) read(ctx context.Context, key types.NamespacedName, object client.Object) (bool, error) {
	if err := c.Live.Get(ctx, key, object); err != nil {
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		return false, &readError{fmt.Errorf("read %T %s: %w", object, key, err)}
	}
	object.SetManagedFields(nil)
	return true, nil
}

// Metadata is an object of which only the metadata is read.
func Metadata(kind schema.GroupVersionKind) *metav1.PartialObjectMetadata {
	object := &metav1.PartialObjectMetadata{}
	object.SetGroupVersionKind(kind)
	return object
}

// MetadataList is a list of such objects.
func MetadataList(kind schema.GroupVersionKind) *metav1.PartialObjectMetadataList {
	list := &metav1.PartialObjectMetadataList{}
	list.SetGroupVersionKind(kind.GroupVersion().WithKind(kind.Kind + "List"))
	return list
}
