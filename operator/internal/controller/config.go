package controller

import (
	"context"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/programming"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// ensureConfig makes the ConfigMap that the HTTPRoute reconciler adds routing.json to, and writes main.vcl. VCL that is not
// known to compile never takes the place of another: pods that start would find nothing else.
func (r *gatewayReconciler) ensureConfig(ctx context.Context, g *Gateway, state *programming.Gateway, w workload.Gateway) (dataplane.Wanted, error) {
	live, err := r.config(ctx, w)
	if err != nil {
		return dataplane.Wanted{}, err
	}
	var text []byte
	var object client.Object
	if live != nil {
		text, object = []byte(live.Data[mainvcl.File]), live
	} else if text, err = r.former.data(ctx, w, mainvcl.File); err != nil {
		return dataplane.Wanted{}, err
	}
	vcl, changed := render.VCL(g.Model, text)
	before, _, err := mainvcl.Parse(text)
	var none *contract.SyntaxError
	// Where only failure modes differ, there is nothing to compile: they are for VCL that never has.
	if changed && !errors.As(err, &none) && !mainvcl.SameVCL(text, vcl) {
		if check := state.CheckVCL(vcl); check.State != dataplane.Compiles {
			// What else is wrong with the ConfigMap is put right.
			_, err := r.writeConfig(ctx, w, text, object)
			return dataplane.Wanted{VCL: dataplane.Revision(before.Sequence, text), Check: check}, err
		}
	}
	header, _, err := mainvcl.Parse(vcl)
	if err != nil {
		return dataplane.Wanted{}, err
	}
	written, err := r.writeConfig(ctx, w, vcl, object)
	if withoutContested(err) != nil {
		return dataplane.Wanted{}, err
	}
	if written && changed {
		state.Revised()
	}
	state.EndCheck()
	return dataplane.Wanted{VCL: dataplane.Revision(header.Sequence, vcl)}, err
}

func (r *gatewayReconciler) writeConfig(ctx context.Context, w workload.Gateway, vcl []byte, live client.Object) (bool, error) {
	now, written, err := r.writer.Apply(ctx, w.Config(vcl), live)
	if written {
		r.contents.Forget(client.ObjectKeyFromObject(now))
	}
	return written, err
}

// config is the live ConfigMap of a Gateway, or nil. One that the cache does not know yet is looked for in the cluster.
func (r *gatewayReconciler) config(ctx context.Context, w workload.Gateway) (*corev1.ConfigMap, error) {
	key := types.NamespacedName{Namespace: w.Object.Namespace, Name: workload.NamesOf(w.Object.Name).Config}
	live, err := r.contents.ConfigMap(ctx, key)
	if err != nil {
		return nil, err
	}
	if live == nil {
		live = &corev1.ConfigMap{}
		if err := r.live.Get(ctx, key, live); err != nil {
			return nil, client.IgnoreNotFound(err)
		}
	}
	return live, r.checkOwner(w, w.Config(nil), live)
}
