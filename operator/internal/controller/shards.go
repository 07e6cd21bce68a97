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
	if live.ResourceVersion != "" && !w.Owns(live) {
		state.Blocked(gather.ConfigMapKind, live, func(o client.Object) bool { return w.Owns(o) })
		return foreign(w, "ConfigMap", live)
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
	for shard, name := range workload.NamesOf(w.Object.Name).Shards {
		if _, named := content[shard]; named {
			continue
		}
		object := gather.Metadata(gather.ConfigMapKind)
		key := client.ObjectKey{Namespace: w.Object.Namespace, Name: name}
		err := s.cache.Get(ctx, key, object)
		if apierrors.IsNotFound(err) || err == nil && !w.Owns(object) {
			continue
		}
		if err != nil {
			return fmt.Errorf("look up the shard %s of Gateway %s: %w", shard, w.Key(), err)
		}
		object.SetGroupVersionKind(gather.ConfigMapKind)
		if err := s.writer.Delete(ctx, object); err != nil {
			return err
		}
	}
	return nil
}
