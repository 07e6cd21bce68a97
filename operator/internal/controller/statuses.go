package controller

import (
	"context"
	"errors"
	"fmt"

	"go.uber.org/zap"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/shared/contract"
)

// statusWriter reads a status, merges into it, and writes it where that made a difference. Others write it too: where
// somebody was faster, it is read again.
type statusWriter struct {
	cache, live client.Reader
	client      client.Client
	// manager owns the fields that are written.
	manager string
	// corrections bound how often a status is written that somebody else overwrites each time; nil for no bound.
	corrections *apply.Corrections
	log         *zap.Logger
}

// gateway merges what we have to say into the status of the Gateway with the given UID.
func (w statusWriter) gateway(ctx context.Context, key types.NamespacedName, uid types.UID, says any, merge func(gatewayv1.GatewayStatus) (gatewayv1.GatewayStatus, bool)) error {
	return w.write(ctx, "Gateway", key, says, func() client.Object { return &gatewayv1.Gateway{} }, func(object client.Object) bool {
		gateway := object.(*gatewayv1.Gateway)
		if gateway.UID != uid {
			return false
		}
		merged, changed := merge(gateway.Status)
		gateway.Status = merged
		return changed
	})
}

// write merges what we have to say into the status of an object. One that is gone has no status to write.
func (w statusWriter) write(ctx context.Context, kind string, key types.NamespacedName, says any, empty func() client.Object, merge func(client.Object) bool) error {
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
		name := fmt.Sprintf("%s %s, UID %s", kind, key, object.GetUID())
		said, err := contract.Encode(says)
		if err != nil {
			return fmt.Errorf("encode what is to be said: %w", err)
		}
		if err := w.begin(name, contract.Digest(said)); err != nil {
			return err
		}
		if err := w.client.Status().Update(ctx, object, client.FieldOwner(w.manager)); err != nil {
			w.corrections.Failed(name)
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

// begin is nil where it is time to write a status.
func (w statusWriter) begin(name, digest string) error {
	err := w.corrections.Begin(name, digest, "status")
	var contested *apply.ContestedError
	if errors.As(err, &contested) && contested.Persistent() {
		w.log.Warn("somebody else overwrites a status again and again: does another operator of this controller name work?",
			zap.String("object", name), zap.Duration("retryIn", contested.Again))
	}
	return err
}
