package controller

import (
	"context"
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/report"
	"github.com/varnish-gateway/gateway/operator/internal/rollout"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// replicaFailure is the condition that says why pods of a Gateway are not created, or do not start; nil where there is nothing to say.
func (r *gatewayReconciler) replicaFailure(ctx context.Context, gateway *gatewayv1.Gateway, settings *v1alpha1.GatewaySettings) (*report.Condition, error) {
	deployment := &appsv1.Deployment{}
	key := client.ObjectKey{Namespace: gateway.Namespace, Name: workload.NamesOf(gateway.Name).Deployment}
	if err := r.cache.Get(ctx, key, deployment); client.IgnoreNotFound(err) != nil {
		return nil, fmt.Errorf("look up the Deployment of Gateway %s: %w", key, err)
	} else if err != nil || !workload.ControlledBy(deployment, gateway.UID) {
		return nil, nil
	}
	pods, err := r.pods(ctx, workload.Gateway{Object: gateway})
	if err != nil {
		return nil, err
	}
	failure := rollout.Find(deployment, pods, r.states.of(gateway).Troubles())
	needed := settings.StorageSize() + v1alpha1.ReservedMemory
	if failure == nil {
		failure = rollout.Memory(deployment, pods, needed)
	}
	if failure == nil {
		ranges, err := r.limitRanges(ctx, gateway.Namespace)
		if err != nil {
			return nil, err
		}
		failure = rollout.LimitRange(deployment, ranges, needed)
	}
	if failure == nil {
		return nil, nil
	}
	return &report.Condition{
		Type: report.ConditionReplicaFailure, Status: metav1.ConditionTrue, Reason: failure.Reason, Message: failure.Message,
	}, nil
}

// limitRanges of a namespace. They are not to be changed.
func (r *gatewayReconciler) limitRanges(ctx context.Context, namespace string) ([]*corev1.LimitRange, error) {
	var list corev1.LimitRangeList
	if err := r.cache.List(ctx, &list, client.InNamespace(namespace), client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list the LimitRanges of namespace %s: %w", namespace, err)
	}
	ranges := make([]*corev1.LimitRange, 0, len(list.Items))
	for i := range list.Items {
		ranges = append(ranges, &list.Items[i])
	}
	return ranges, nil
}
