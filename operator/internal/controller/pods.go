package controller

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// pods of a Gateway, as the cache knows them. They are not to be changed.
func (r *gatewayReconciler) pods(ctx context.Context, w workload.Gateway) ([]*corev1.Pod, error) {
	var list corev1.PodList
	labels := client.MatchingLabels(workload.Selector(w.Object.Name))
	if err := r.cache.List(ctx, &list, client.InNamespace(w.Object.Namespace), labels, client.UnsafeDisableDeepCopy); err != nil {
		return nil, fmt.Errorf("list the pods of Gateway %s: %w", w.Key(), err)
	}
	pods := make([]*corev1.Pod, 0, len(list.Items))
	for i := range list.Items {
		pods = append(pods, &list.Items[i])
	}
	return pods, nil
}

// dataPlanePods are pods as far as they are asked.
func dataPlanePods(pods []*corev1.Pod) []dataplane.Pod {
	asked := make([]dataplane.Pod, 0, len(pods))
	for _, pod := range pods {
		asked = append(asked, dataplane.Pod{
			Name: pod.Name, UID: string(pod.UID), IP: pod.Status.PodIP, Ready: isReady(pod),
			Leaving: !pod.DeletionTimestamp.IsZero() || pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded,
		})
	}
	return asked
}

func isReady(pod *corev1.Pod) bool {
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status == corev1.ConditionTrue
		}
	}
	return false
}
