package controller

import (
	"context"
	"errors"

	"go.uber.org/zap"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/programming"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// publish writes a Gateway's routing where it differs from what is there. While there is no ConfigMap there is nothing to
// write to: it is the Gateway reconciler's to make, and tells us when it is there.
func (r *routingReconciler) publish(ctx context.Context, key types.NamespacedName, g *Gateway) error {
	names := workload.NamesOf(key.Name)
	configKey := types.NamespacedName{Namespace: key.Namespace, Name: names.Config}
	live, err := r.contents.ConfigMap(ctx, configKey)
	if err != nil {
		return err
	}
	w := workload.Gateway{Object: g.Object, Controller: r.controller}
	if live == nil || !w.Owns(live) || g.Undecided {
		return nil
	}
	state := r.states.of(g.Object)
	listeners, err := listenersOf(g.Model)
	if err != nil {
		return err
	}
	head := []byte(live.Data[routing.File])
	isNew := len(head) == 0
	if isNew {
		if head, err = r.former.data(ctx, w, routing.File); err != nil {
			return err
		}
	}
	files, err := renderRouting(g, head)
	var tooLarge *routing.TooLargeError
	if errors.As(err, &tooLarge) {
		r.log.Error("the routes do not fit", zap.Stringer("gateway", key), zap.Error(err))
		r.fail(key, state, tooLarge)
		return nil
	}
	if err != nil {
		return err
	}
	files.Changed = files.Changed || isNew
	if err := r.write(ctx, state, w, live, files); err != nil {
		if obstacle(err) != "" {
			r.fail(key, state, err)
		}
		r.contest(key, state, err)
		return err
	}
	r.contest(key, state, nil)
	if state.PublishedRouting(listeners, contract.Sequence(files.Head), contract.Digest(files.Head)) {
		r.queues.objects(key)
	}
	return nil
}

// contest says what somebody else keeps changing of what is published.
func (r *routingReconciler) contest(key types.NamespacedName, state *programming.Gateway, err error) {
	if state.ContestedRouting(contested(err)) {
		r.queues.objects(key)
	}
}

// fail says why a Gateway's routing is not published.
func (r *routingReconciler) fail(key types.NamespacedName, state *programming.Gateway, failure error) {
	if state.FailedRouting(failure) {
		r.queues.objects(key)
	}
}

// write writes the shards, and then the head that names them.
func (r *routingReconciler) write(ctx context.Context, state *programming.Gateway, w workload.Gateway, live *corev1.ConfigMap, files render.RoutingFiles) error {
	if err := r.shards.write(ctx, state, w, files.Shards); err != nil {
		return err
	}
	if files.Changed {
		if err := r.correctHead(ctx, live, files); err != nil {
			return err
		}
	}
	return r.shards.prune(ctx, w, files.Shards)
}

// correctHead writes routing.json, less and less often where somebody else changes it each time.
func (r *routingReconciler) correctHead(ctx context.Context, live *corev1.ConfigMap, files render.RoutingFiles) error {
	name := "ConfigMap " + client.ObjectKeyFromObject(live).String()
	if err := r.writer.Corrections.Begin(name, files.Content, "data."+routing.File); err != nil {
		return err
	}
	err := r.writeHead(ctx, live, files.Head)
	if err != nil {
		r.writer.Corrections.Failed(name)
	}
	return err
}

// writeHead applies routing.json to the ConfigMap that was looked at, and to no other: neither to one that was made
// anew, nor to one that somebody has changed meanwhile.
func (r *routingReconciler) writeHead(ctx context.Context, live *corev1.ConfigMap, head []byte) error {
	key := client.ObjectKeyFromObject(live)
	written, err := r.writer.Write(ctx, &corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: live.Namespace, Name: live.Name, UID: live.UID, ResourceVersion: live.ResourceVersion,
		},
		Data: map[string]string{routing.File: string(head)},
	})
	if apierrors.IsConflict(err) {
		// What was looked at is old: the next look is at the cluster itself.
		r.contents.Forget(key)
	}
	if err != nil {
		return err
	}
	now := live.DeepCopy()
	now.ResourceVersion = written.GetResourceVersion()
	if now.Data == nil {
		now.Data = map[string]string{}
	}
	now.Data[routing.File] = string(head)
	r.contents.Remember(now)
	return nil
}

// renderRouting renders a Gateway's routing. What its parameters would decide, if they were valid, stays as it is.
func renderRouting(g *Gateway, head []byte) (render.RoutingFiles, error) {
	if g.SettingsUnknown {
		return render.RoutingWithLiveSettings(g.Model, head)
	}
	return render.Routing(g.Model, head)
}
