package controller

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/gather"
	"github.com/varnish-gateway/gateway/operator/internal/programming"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/status"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// gatewayReconciler writes main.vcl, the objects that a Gateway needs, and the status of Gateways.
type gatewayReconciler struct {
	cache    client.Reader
	live     client.Reader
	writer   apply.Writer
	statuses statusWriter
	contents *gather.Contents
	current  *current
	states   states
	events   recorder
	former   *former
	queues   *queues
	image    string
	// controller is the name by which classes say that they are ours.
	controller gatewayv1.GatewayController
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
		return again(r.collect(ctx, workload.Gateway{Object: live, Controller: r.controller}))
	}
	g := r.current.gateway(key)
	if g == nil {
		return again(r.unclaimed(ctx, live))
	}
	// One that was changed meanwhile is about to be translated again, and asked for again.
	if g.Object.UID != live.UID || g.Object.Generation != live.Generation {
		return reconcile.Result{}, nil
	}
	return r.reconcile(ctx, g, live)
}

// reconcile tells in the status what keeps objects from being written, as far as somebody can do something about it, before
// it gives up for the moment.
func (r *gatewayReconciler) reconcile(ctx context.Context, g *Gateway, live *gatewayv1.Gateway) (reconcile.Result, error) {
	w := workload.Gateway{Object: live, Settings: g.Settings, Sockets: g.Sockets, Image: r.image, Controller: r.controller}
	before, err := r.former.of(ctx, w)
	if err != nil {
		return reconcile.Result{}, err
	}
	w.AlsoAccount = before.account()
	state := r.states.of(live)
	// A namespace of backends must not be able to hold back the rest of the Gateway.
	access := r.reachEndpoints(ctx, g, w)
	plane, aside, err := r.objects(ctx, g, state, w, before, obstacle(access) != "")
	switch why := obstacle(err); {
	case why != "":
		plane = report.DataPlane{Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonInvalid, Message: why}
	case errors.Is(err, errLater):
		return again(errors.Join(access, aside))
	case withoutContested(err) != nil && state.Lags():
		// What fails for a moment, such as a webhook that is started again, is no news.
		return again(errors.Join(access, aside, err))
	case withoutContested(err) != nil:
		plane = pending("What the Gateway needs cannot be written: " + strings.TrimSuffix(inOneLine(withoutContested(err)), ".") + ".")
	}
	if why := obstacle(access); why != "" && plane.Status == metav1.ConditionTrue {
		plane.Before = nil
		plane.Message = "The data plane runs this configuration, but lacks endpoints: " + why
	}
	plane = alsoTold(plane, sentences(obstacle(aside), contested(errors.Join(access, aside, err)), state.RoutingContested()))
	result, err := again(errors.Join(access, aside, err, r.status(ctx, g, live, plane)))
	if err == nil && result.RequeueAfter == 0 {
		result.RequeueAfter = ticketKeysLookEvery
	}
	return result, err
}

// alsoTold adds to what is told of a Gateway.
func alsoTold(plane report.DataPlane, also string) report.DataPlane {
	if also == "" || plane.Before != nil || strings.Contains(plane.Message, also) {
		return plane
	}
	plane.Message = sentences(cmp.Or(plane.Message, "The data plane runs this configuration."), also)
	return plane
}

// status writes what is known of a Gateway.
func (r *gatewayReconciler) status(ctx context.Context, g *Gateway, live *gatewayv1.Gateway, plane report.DataPlane) error {
	addresses, err := r.addresses(ctx, g)
	if err != nil {
		return err
	}
	reported := g.Report
	reported.Addresses = addresses
	if plane.Status == metav1.ConditionTrue && len(addresses) == 0 {
		plane = report.DataPlane{
			Status: metav1.ConditionFalse, Reason: gatewayv1.GatewayReasonAddressNotAssigned,
			Message: "The Service of the Gateway has no address yet.",
		}
	}
	failure, err := r.replicaFailure(ctx, live, &g.Settings)
	if err != nil {
		return err
	}
	reported = reported.WithDataPlane(plane.Because(failure)).WithReplicaFailure(failure)
	var before, after gatewayv1.GatewayStatus
	err = r.statuses.gateway(ctx, client.ObjectKeyFromObject(live), live.UID, reported,
		func(now gatewayv1.GatewayStatus) (gatewayv1.GatewayStatus, bool) {
			merged, changed := status.Gateway(now, reported, metav1.Now())
			before, after = now, merged
			return merged, changed
		})
	if err == nil {
		r.events.changed(live, before.Conditions, after.Conditions)
	}
	return err
}

// objects brings the objects of a Gateway up to date, and tells what its pods run, where they may be kept from some endpoints. The
// first error is of what could not be written and keeps nobody from serving.
func (r *gatewayReconciler) objects(ctx context.Context, g *Gateway, state *programming.Gateway, w workload.Gateway, before formerObjects, unreachable bool) (report.DataPlane, error, error) {
	if len(before) > 0 {
		// With what they know, the pods from before can be asked.
		if err := r.ensureAdmin(ctx, w, before); withoutContested(err) != nil {
			return report.DataPlane{}, nil, err
		}
	}
	observations, unknown := r.observe(ctx, state, w, len(before) > 0)
	if unknown != nil && !errors.Is(unknown, errLater) {
		return report.DataPlane{}, nil, unknown
	}
	var e ensured
	if g.SettingsUnknown || len(g.Sockets) == 0 {
		e.needed = r.renewCertificates(ctx, g, w)
	} else {
		e = r.ensureAll(ctx, g, state, w, before)
	}
	if withoutContested(e.needed) != nil {
		return report.DataPlane{}, e.aside, e.needed
	}
	if unknown != nil {
		return report.DataPlane{}, e.aside, errors.Join(e.needed, unknown)
	}
	e.want.Unreachable = unreachable
	if !g.SettingsUnknown {
		e.want.Sockets = g.Sockets
	}
	e.want.Certificates = dataplane.DigestsOf(g.Certificates)
	plane, err := r.programmed(ctx, g, state, w, e.want, observations)
	return plane, e.aside, errors.Join(e.needed, err)
}

// observe tells what the pods of a Gateway said last, and has them asked from now on. written says that the Secret by which they
// are asked is there: errLater where the cache does not show it yet.
func (r *gatewayReconciler) observe(ctx context.Context, state *programming.Gateway, w workload.Gateway, written bool) ([]dataplane.Observation, error) {
	secret, err := r.contents.Secret(ctx, types.NamespacedName{Namespace: w.Object.Namespace, Name: workload.NamesOf(w.Object.Name).Admin})
	if err != nil {
		return nil, err
	}
	if secret == nil {
		if written {
			return nil, errLater
		}
		return nil, nil
	}
	credential, sound := workload.CredentialOf(secret)
	if !sound {
		return nil, nil
	}
	pods, err := r.pods(ctx, w)
	if err != nil {
		return nil, err
	}
	observations, err := state.Observe(credential, dataPlanePods(pods))
	if err != nil {
		return nil, fmt.Errorf("ask the pods of Gateway %s: %w", w.Key(), err)
	}
	return observations, nil
}

// forget everything that is kept of a Gateway that is gone.
func (r *gatewayReconciler) forget(key types.NamespacedName) {
	names := workload.NamesOf(key.Name)
	r.states.Forget(key)
	for _, name := range append(names.Secrets(), names.Config) {
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
