package controller

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/programming"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// shards keeps the further ConfigMaps of large Gateways.
type shards struct {
	cache, live client.Reader
	writer      apply.Writer
}

// write brings the shards up to date. They come before the head that names them.
func (s *shards) write(ctx context.Context, state *programming.Gateway, w workload.Gateway, content map[string][]byte) error {
	for shard, data := range content {
		if err := s.writeOne(ctx, state, w, shard, data); err != nil {
			return err
		}
	}
	return nil
}

func (s *shards) writeOne(ctx context.Context, state *programming.Gateway, w workload.Gateway, shard string, data []byte) error {
	desired := w.Shard(shard, data)
	key := client.ObjectKeyFromObject(desired)
	metadata := gather.Metadata(gather.ConfigMapKind)
	if err := s.cache.Get(ctx, key, metadata); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("look up ConfigMap %s: %w", key, err)
	}
	digest := routing.Digest(data)
	if known := state.Shard(shard); known.Digest == digest && known.ResourceVersion == metadata.ResourceVersion {
		return nil
	}
	live := &corev1.ConfigMap{}
	if err := s.live.Get(ctx, key, live); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("read ConfigMap %s: %w", key, err)
	}
	isOurs := func(object client.Object) bool { return apply.OwnedBy(object, string(w.Object.UID)) }
	if live.ResourceVersion != "" && !isOurs(live) {
		state.Blocked(gather.ConfigMapKind, live, isOurs)
		return &foreignError{kind: "ConfigMap", name: live.Name}
	}
	now, _, err := s.writer.Apply(ctx, desired, live)
	if err != nil {
		return err
	}
	state.SetShard(shard, programming.ShardVersion{ResourceVersion: now.GetResourceVersion(), Digest: digest})
	return nil
}

// prune deletes the shards that the head does not name any more.
func (s *shards) prune(ctx context.Context, w workload.Gateway, content map[string][]byte) error {
	list := gather.MetadataList(gather.ConfigMapKind)
	labels := client.MatchingLabels{workload.LabelOwner: workload.OwnerDigest(w.Key())}
	if err := s.cache.List(ctx, list, client.InNamespace(w.Object.Namespace), labels); err != nil {
		return fmt.Errorf("list the shards of Gateway %s: %w", w.Key(), err)
	}
	unnamed := map[string]bool{}
	for shard, name := range workload.NamesOf(w.Object.Name).Shards {
		if _, named := content[shard]; !named {
			unnamed[name] = true
		}
	}
	for i := range list.Items {
		object := &list.Items[i]
		if !unnamed[object.Name] || !apply.OwnedBy(object, string(w.Object.UID)) {
			continue
		}
		object.SetGroupVersionKind(gather.ConfigMapKind)
		if err := s.writer.Delete(ctx, object); err != nil {
			return err
		}
	}
	return nil
}
