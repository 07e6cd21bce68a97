package controller

import (
	"context"
	"fmt"
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/reconcile"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/apply"
	"github.com/varnish-gateway/gateway/operator/internal/invalidation"
)

// tellAfter is how long an invalidation may be under way before its status says so. Most have
// finished by then, and are written once.
const tellAfter = time.Second

// Where an invalidation says nothing, as one may that was made before its definition had the
// defaults.
const (
	defaultDeadline = time.Minute
	defaultTTL      = time.Hour
)

// invalidationReconciler carries out VarnishCacheInvalidations, writes their statuses, and deletes
// those that have long finished.
type invalidationReconciler struct {
	// ctx ends with the operator.
	ctx        context.Context
	cache      client.Reader
	client     client.Client
	statuses   statusWriter
	cluster    *invalidation.Cluster
	carrier    *invalidation.Carrier
	controller gatewayv1.GatewayController
	// finished asks for an invalidation that has finished.
	finished func(types.NamespacedName)

	mu   sync.Mutex
	runs map[types.NamespacedName]*invalidationRun
}

// invalidationRun is what is known of one object while it is there.
type invalidationRun struct {
	uid    types.UID
	cancel context.CancelFunc
	began  time.Time
	run    *invalidation.Run
	// invalid is why there is no run.
	invalid string
	// done is closed when the run has finished.
	done chan struct{}
}

// Reconcile implements reconcile.Reconciler.
func (r *invalidationReconciler) Reconcile(ctx context.Context, request reconcile.Request) (reconcile.Result, error) {
	key := request.NamespacedName
	object := &v1alpha1.VarnishCacheInvalidation{}
	if err := r.cache.Get(ctx, key, object); err != nil {
		if client.IgnoreNotFound(err) == nil {
			r.forget(key)
		}
		return reconcile.Result{}, client.IgnoreNotFound(err)
	}
	if !object.DeletionTimestamp.IsZero() {
		r.forget(key)
		return reconcile.Result{}, nil
	}
	known, err := r.known(ctx, key, object)
	if err != nil {
		return reconcile.Result{}, err
	}
	if known == nil {
		return r.collect(ctx, object)
	}
	wait, isDone := time.Duration(0), true
	select {
	case <-known.done:
	default:
		isDone = false
		wait = tellAfter - time.Since(known.began)
	}
	if wait > 0 {
		return reconcile.Result{RequeueAfter: wait}, nil
	}
	own := known.outcome(r.controller)
	if !isDone && r.ctx.Err() != nil {
		// Who stops gives up the pods that it has not reached. They have not failed, and the next operator goes on.
		return reconcile.Result{}, nil
	}
	var written v1alpha1.VarnishCacheInvalidationStatus
	result, err := again(r.write(ctx, key, known.uid, own, &written))
	if err != nil || result.RequeueAfter > 0 || !isDone {
		return result, err
	}
	object.Status = written
	return r.collect(ctx, object)
}

// known is what is known of an object, which is begun where nothing was; nil where there is nothing
// to do about it.
func (r *invalidationReconciler) known(ctx context.Context, key types.NamespacedName, object *v1alpha1.VarnishCacheInvalidation) (*invalidationRun, error) {
	r.mu.Lock()
	before := r.runs[key]
	r.mu.Unlock()
	if before != nil && before.uid == object.UID {
		return before, nil
	}
	r.forget(key)
	if invalidation.FinishedBy(object.Status, string(r.controller)) {
		return nil, nil
	}
	gateways, others, err := r.cluster.Serving(ctx, key.Namespace)
	if err != nil {
		return nil, err
	}
	// What has finished is not begun again, unless it was another controller that had Gateways.
	// Where all of it is another controller's to carry out, there is nothing to say.
	isFinished := invalidation.Finished(object.Status)
	if isFinished && (len(object.Status.Gateways) == 0 || len(gateways) == 0) || len(gateways) == 0 && others {
		return nil, nil
	}
	run := &invalidationRun{uid: object.UID, began: time.Now(), done: make(chan struct{}), cancel: func() {}}
	order, err := invalidation.Orders(key.Namespace, object.Spec.CacheInvalidation)
	if err != nil {
		run.invalid = "spec." + err.Error()
		close(run.done)
	} else if run.run, err = r.carrier.Plan(ctx, order, gateways, object.CreationTimestamp.Time); err != nil {
		return nil, err
	} else {
		r.begin(key, run, secondsOr(object.Spec.ActiveDeadlineSeconds, defaultDeadline))
	}
	r.mu.Lock()
	r.runs[key] = run
	r.mu.Unlock()
	return run, nil
}

func (r *invalidationReconciler) begin(key types.NamespacedName, run *invalidationRun, deadline time.Duration) {
	ctx, cancel := context.WithTimeout(r.ctx, deadline)
	run.cancel = cancel
	go func() {
		defer cancel()
		run.run.Do(ctx)
		if r.ctx.Err() != nil {
			// The next operator begins anew: what this one did not wait for has not failed.
			return
		}
		close(run.done)
		r.finished(key)
	}()
}

// forget an object that is gone, or whose status says all there is to say.
func (r *invalidationReconciler) forget(key types.NamespacedName) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if run := r.runs[key]; run != nil {
		run.cancel()
		delete(r.runs, key)
	}
}

// outcome is how far the run is.
func (run *invalidationRun) outcome(controller gatewayv1.GatewayController) invalidation.Outcome {
	own := invalidation.Outcome{Controller: string(controller), Invalid: run.invalid}
	if run.run != nil {
		own.Gateways = run.run.Gateways(own.Controller)
	}
	return own
}

// write says in the status how far a run is.
func (r *invalidationReconciler) write(ctx context.Context, key types.NamespacedName, uid types.UID, own invalidation.Outcome, written *v1alpha1.VarnishCacheInvalidationStatus) error {
	return r.statuses.write(ctx, v1alpha1.KindVarnishCacheInvalidation, key, own,
		func() client.Object { return &v1alpha1.VarnishCacheInvalidation{} },
		func(o client.Object) bool {
			object := o.(*v1alpha1.VarnishCacheInvalidation)
			if object.UID != uid {
				return false
			}
			merged, changed := invalidation.Merge(object.Status, object.Generation, own, metav1.Now())
			object.Status, *written = merged, merged
			return changed
		})
}

// collect deletes an object that finished long ago.
func (r *invalidationReconciler) collect(ctx context.Context, object *v1alpha1.VarnishCacheInvalidation) (reconcile.Result, error) {
	if !invalidation.Finished(object.Status) || object.Status.CompletionTime == nil {
		return reconcile.Result{}, nil
	}
	ttl := secondsOr(object.Spec.TTLSecondsAfterFinished, defaultTTL)
	if rest := ttl - time.Since(object.Status.CompletionTime.Time); rest > 0 {
		return reconcile.Result{RequeueAfter: rest}, nil
	}
	if err := r.client.Delete(ctx, object, client.Preconditions{UID: &object.UID}); err != nil {
		if client.IgnoreNotFound(err) != nil {
			return reconcile.Result{}, fmt.Errorf("delete VarnishCacheInvalidation %s/%s, which has finished: %w", object.Namespace, object.Name, err)
		}
		return reconcile.Result{}, nil
	}
	apply.Count(v1alpha1.KindVarnishCacheInvalidation, "delete")
	return reconcile.Result{}, nil
}

func secondsOr(seconds *int32, otherwise time.Duration) time.Duration {
	if seconds == nil {
		return otherwise
	}
	return time.Duration(*seconds) * time.Second
}
