package controller

import (
	"context"
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// shards keeps the further ConfigMaps of large Gateways. Their bytes are not kept: what was last seen to be right is known
// by its resourceVersion and digest.
type shards struct {
	cache, live client.Reader
	writer      apply.Writer
	foreign     *foreign

	mu   sync.Mutex
	seen map[types.NamespacedName]map[string]sight
}

// sight of a shard whose content was right.
type sight struct{ version, content string }

// write brings the shards up to date. They come before the head that names them.
func (s *shards) write(ctx context.Context, w workload.Gateway, content map[string][]byte) error {
	for shard, data := range content {
		if err := s.writeOne(ctx, w, shard, data); err != nil {
			return err
		}
	}
	return nil
}

func (s *shards) writeOne(ctx context.Context, w workload.Gateway, shard string, data []byte) error {
	desired := w.Shard(shard, data)
	key := client.ObjectKeyFromObject(desired)
	metadata := gather.Metadata(gather.ConfigMapKind)
	if err := s.cache.Get(ctx, key, metadata); client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("look up ConfigMap %s: %w", key, err)
	}
	digest := routing.Digest(data)
	if known := s.sight(w.Key(), shard); known.content == digest && known.version == metadata.ResourceVersion {
		return nil
	}
	live := &corev1.ConfigMap{}
	if err := s.live.Get(ctx, key, live); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("read ConfigMap %s: %w", key, err)
	}
	isOurs := func(object client.Object) bool { return apply.OwnedBy(object, string(w.Object.UID)) }
	if live.ResourceVersion != "" && !isOurs(live) {
		s.foreign.await(w.Key(), gather.ConfigMapKind, live, isOurs)
		return &foreignError{kind: "ConfigMap", name: live.Name}
	}
	now, _, err := s.writer.Apply(ctx, desired, live)
	if err != nil {
		return err
	}
	s.see(w.Key(), shard, sight{version: now.GetResourceVersion(), content: digest})
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

func (s *shards) sight(gateway types.NamespacedName, shard string) sight {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.seen[gateway][shard]
}

func (s *shards) see(gateway types.NamespacedName, shard string, now sight) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.seen == nil {
		s.seen = map[types.NamespacedName]map[string]sight{}
	}
	if s.seen[gateway] == nil {
		s.seen[gateway] = map[string]sight{}
	}
	s.seen[gateway][shard] = now
}

func (s *shards) forget(gateway types.NamespacedName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.seen, gateway)
}
