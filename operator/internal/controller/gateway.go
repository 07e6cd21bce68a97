package controller

import (
	"context"
	"errors"
	"fmt"
	"time"

	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/status"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// foreignPause is how long to rest before looking again whether a foreign object is still in the way: objects that are
// not ours are not watched.
const foreignPause = 30 * time.Second

// gatewayReconciler writes main.vcl, the objects that a Gateway needs, and the status of Gateways.
type gatewayReconciler struct {
	cache     client.Reader
	live      client.Reader
	writer    apply.Writer
	statuses  statusWriter
	contents  *gather.Contents
	current   *current
	published *published
	directory *dataplane.Directory
	image     string
	log       *zap.Logger
}

// Reconcile implements reconcile.Reconciler.
func (r *gatewayReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	key := request.NamespacedName
	live := &gatewayv1.Gateway{}
	if err := r.cache.Get(ctx, key, live); err != nil {
		if client.IgnoreNotFound(err) == nil {
			r.forget(key)
		}
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !live.DeletionTimestamp.IsZero() {
		r.forget(key)
		return reconcile.Result{}, r.collect(ctx, live)
	}
	g := r.current.gateway(key)
	// One that was changed meanwhile is about to be translated again, and asked for again.
	if g == nil || g.Object.UID != live.UID || g.Object.Generation != live.Generation {
		return reconcile.Result{}, nil
	}
	return r.reconcile(ctx, g, live)
}

func (r *gatewayReconciler) reconcile(ctx context.Context, g *Gateway, live *gatewayv1.Gateway) (reconcile.Result, error) {
	plane, err := r.objects(ctx, g, live)
	var foreign *foreignError
	var result reconcile.Result
	switch {
	case errors.As(err, &foreign):
		plane = report.DataPlane{
			Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonInvalid, Message: foreign.Error(),
		}
		result.RequeueAfter = foreignPause
	case errors.Is(err, errLater):
		return result, nil
	case err != nil:
		return result, err
	}
	plane = established(plane, live)
	addresses, err := r.addresses(ctx, g)
	if err != nil {
		return result, err
	}
	told := g.Report
	told.Addresses = addresses
	if plane.Status == metav1.ConditionTrue && len(addresses) == 0 {
		plane = report.DataPlane{
			Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonAddressNotAssigned,
			Message: "The Service of the Gateway has no address yet.",
		}
	}
	told = told.WithDataPlane(plane)
	return result, r.statuses.gateway(ctx, client.ObjectKeyFromObject(live), live.UID,
		func(now gatewayv1.GatewayStatus) (gatewayv1.GatewayStatus, bool) {
			return status.Gateway(now, told, metav1.Now())
		})
}

// objects brings the objects of a Gateway up to date, and tells what its pods run.
func (r *gatewayReconciler) objects(ctx context.Context, g *Gateway, live *gatewayv1.Gateway) (report.DataPlane, error) {
	pending := report.DataPlane{Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonPending}
	w := workload.Gateway{Object: live, Settings: g.Settings, Sockets: g.Sockets, Image: r.image}
	if err := r.reachEndpoints(ctx, g, w); err != nil {
		return pending, err
	}
	var vcl int64
	if !g.Held && len(g.Sockets) > 0 {
		var err error
		if vcl, err = r.ensureAll(ctx, g, w); err != nil {
			return pending, err
		}
	}
	return r.observe(ctx, g, w, vcl)
}

// observe tells what the pods of a Gateway run.
func (r *gatewayReconciler) observe(ctx context.Context, g *Gateway, w workload.Gateway, vcl int64) (report.DataPlane, error) {
	pending := report.DataPlane{Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonPending}
	secret, err := r.contents.Secret(ctx, types.NamespacedName{Namespace: w.Object.Namespace, Name: workload.NamesOf(w.Object.Name).Admin})
	if err != nil {
		return pending, err
	}
	if secret == nil {
		pending.Message = "The Gateway has no pods yet."
		return pending, nil
	}
	credential, _ := workload.CredentialOf(secret)
	pods, err := r.pods(ctx, w)
	if err != nil {
		return pending, err
	}
	observations, err := r.directory.Follow(w.Key(), credential, pods)
	if err != nil {
		return pending, fmt.Errorf("ask the pods of Gateway %s: %w", w.Key(), err)
	}
	if config, err := r.config(ctx, w); err != nil || (config != nil && config.Data[routing.File] != "" && !r.published.knows(w.Key())) {
		return pending, errors.Join(err, errLater)
	}
	sequence, why := r.published.wanted(w.Key(), listenersOf(g.Model))
	if why != "" {
		pending.Message = why
		return pending, nil
	}
	return dataplane.Programmed(dataplane.Wanted{Routing: sequence, VCL: vcl}, observations), nil
}

// errLater says that an operator which has just started must first find out what is published: until then, nothing is
// said that might take back what is true.
var errLater = errors.New("it is not known yet what is published")

// established goes on saying that a Gateway is programmed while a pod has not been heard of yet, such as after a restart of
// the operator or for a pod that has just become ready, where that was known of this generation.
func established(plane report.DataPlane, live *gatewayv1.Gateway) report.DataPlane {
	if plane.Status != metav1.ConditionUnknown {
		return plane
	}
	before := meta.FindStatusCondition(live.Status.Conditions, string(gatewayv1.GatewayConditionProgrammed))
	if before != nil && before.Status == metav1.ConditionTrue && before.ObservedGeneration == live.Generation {
		return report.DataPlane{
			Status: metav1.ConditionTrue, Reason: gatewayv1.GatewayReasonProgrammed, Message: before.Message,
		}
	}
	plane.Status = metav1.ConditionFalse
	return plane
}

// forget everything that is kept of a Gateway that is gone.
func (r *gatewayReconciler) forget(key types.NamespacedName) {
	names := workload.NamesOf(key.Name)
	r.directory.Forget(key)
	r.published.forget(key)
	for _, name := range []string{names.Config, names.Certificates, names.Admin} {
		r.contents.Forget(types.NamespacedName{Namespace: key.Namespace, Name: name})
	}
}

// gateway returns a Gateway as it was translated last, or nil.
func (c *current) gateway(key types.NamespacedName) *Gateway {
	if s := c.Load(); s != nil {
		return s.Gateways[key]
	}
	return nil
}
