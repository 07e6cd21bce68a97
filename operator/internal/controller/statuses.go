package controller

import (
	"context"
	"fmt"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
)

// statusWriter reads a status, merges into it, and writes it where that made a difference. Others write it too: where
// somebody was faster, it is read again.
type statusWriter struct {
	cache, live client.Reader
	client      client.Client
	// manager owns the fields that are written.
	manager string
}

// gateway merges into the status of the Gateway with the given UID.
func (w statusWriter) gateway(ctx context.Context, key types.NamespacedName, uid types.UID, merge func(gatewayv1.GatewayStatus) (gatewayv1.GatewayStatus, bool)) error {
	return w.write(ctx, "Gateway", key, func() client.Object { return &gatewayv1.Gateway{} }, func(object client.Object) bool {
		gateway := object.(*gatewayv1.Gateway)
		if gateway.UID != uid {
			return false
		}
		merged, changed := merge(gateway.Status)
		gateway.Status = merged
		return changed
	})
}

// write merges into the status of an object. One that is gone has no status to write.
func (w statusWriter) write(ctx context.Context, kind string, key types.NamespacedName, empty func() client.Object, merge func(client.Object) bool) error {
	reader := w.cache
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		object := empty()
		if err := reader.Get(ctx, key, object); err != nil {
			return err
		}
		reader = w.live
		if !merge(object) {
			return nil
		}
		if err := w.client.Status().Update(ctx, object, client.FieldOwner(w.manager)); err != nil {
			return err
		}
		apply.Count(kind, "status")
		return nil
	})
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("write the status of %s %s: %w", kind, key, err)
	}
	return nil
}
