package controller

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// former looks after objects of Gateways that have names which an earlier version of the operator used. Pods of that version go on
// with them, until those of the new names are ready.
type former struct {
	cache    client.Reader
	contents *gather.Contents
	// none are the UIDs of Gateways that have no such objects, and get none any more.
	none sync.Map
}

// formerObjects of one Gateway.
type formerObjects []client.Object

// of a Gateway the objects with former names.
func (f *former) of(ctx context.Context, w workload.Gateway) (formerObjects, error) {
	gateway := w.Object
	if _, none := f.none.Load(gateway.UID); none {
		return nil, nil
	}
	names := workload.NamesOf(gateway.Name)
	configMaps := []string{names.Config}
	for _, shard := range names.Shards {
		configMaps = append(configMaps, shard)
	}
	roles := []string{names.Role, workload.EndpointsRoleName(w.Key())}
	labels := client.MatchingLabels{workload.LabelOwner: workload.OwnerDigest(w.Key())}
	var found formerObjects
	for _, each := range []struct {
		list client.ObjectList
		used []string
	}{
		{&rbacv1.RoleBindingList{}, roles}, {&rbacv1.RoleList{}, roles},
		{&policyv1.PodDisruptionBudgetList{}, []string{names.Budget}},
		{gather.MetadataList(gather.ConfigMapKind), configMaps},
		{gather.MetadataList(gather.SecretKind), names.Secrets()},
		{&corev1.ServiceAccountList{}, []string{names.ServiceAccount}},
	} {
		if err := f.cache.List(ctx, each.list, client.InNamespace(gateway.Namespace), labels); err != nil {
			return nil, fmt.Errorf("list %T of Gateway %s/%s: %w", each.list, gateway.Namespace, gateway.Name, err)
		}
		err := meta.EachListItem(each.list, func(item runtime.Object) error {
			object := item.(client.Object)
			if metadata, ok := item.(*metav1.PartialObjectMetadata); ok {
				kind := each.list.GetObjectKind().GroupVersionKind()
				metadata.SetGroupVersionKind(kind.GroupVersion().WithKind(strings.TrimSuffix(kind.Kind, "List")))
			}
			if !slices.Contains(each.used, object.GetName()) && w.Owns(object) {
				found = append(found, object)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if len(found) == 0 {
		f.none.Store(gateway.UID, true)
	}
	return found, nil
}

// account is the name of the ServiceAccount of pods from before; empty where there is none.
func (o formerObjects) account() string {
	for _, object := range o {
		if account, ok := object.(*corev1.ServiceAccount); ok {
			return account.Name
		}
	}
	return ""
}

// keys of the objects of a kind whose metadata is cached.
func (o formerObjects) keys(kind string) []types.NamespacedName {
	var keys []types.NamespacedName
	for _, object := range o {
		if metadata, ok := object.(*metav1.PartialObjectMetadata); ok && metadata.Kind == kind {
			keys = append(keys, client.ObjectKeyFromObject(object))
		}
	}
	return keys
}

// credential that the pods from before know.
func (f *former) credential(ctx context.Context, o formerObjects) (workload.Credential, bool, error) {
	for _, key := range o.keys("Secret") {
		secret, err := f.contents.Secret(ctx, key)
		if err != nil {
			return workload.Credential{}, false, err
		}
		if secret == nil {
			continue
		}
		if credential, sound := workload.CredentialOf(secret); sound {
			return credential, true, nil
		}
	}
	return workload.Credential{}, false, nil
}

// data is a key of the ConfigMaps of the pods from before: what is published anew continues its sequence. It is nil where there is
// no such key.
func (f *former) data(ctx context.Context, w workload.Gateway, name string) ([]byte, error) {
	objects, err := f.of(ctx, w)
	if err != nil {
		return nil, err
	}
	for _, key := range objects.keys("ConfigMap") {
		config, err := f.contents.ConfigMap(ctx, key)
		if err != nil {
			return nil, err
		}
		if config != nil && config.Data[name] != "" {
			return []byte(config.Data[name]), nil
		}
	}
	return nil, nil
}

// collectFormer deletes the objects with former names once a pod that has the new ones is ready, and none is there that has not.
func (r *gatewayReconciler) collectFormer(ctx context.Context, w workload.Gateway, objects formerObjects) error {
	if len(objects) == 0 {
		return nil
	}
	var pods corev1.PodList
	labels := client.MatchingLabels(workload.Selector(w.Object.Name))
	if err := r.cache.List(ctx, &pods, client.InNamespace(w.Object.Namespace), labels); err != nil {
		return fmt.Errorf("list the pods of Gateway %s: %w", w.Key(), err)
	}
	ready := false
	for i := range pods.Items {
		pod := &pods.Items[i]
		if pod.Annotations[workload.AnnotationAccount] != string(w.Account) {
			return nil
		}
		ready = ready || isReady(pod)
	}
	if !ready {
		return nil
	}
	var failed []error
	for _, object := range objects {
		failed = append(failed, r.writer.Delete(ctx, object))
		r.contents.Forget(client.ObjectKeyFromObject(object))
	}
	return errors.Join(failed...)
}
