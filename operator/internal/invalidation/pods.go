package invalidation

import (
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// mayHaveObjects tells whether a pod may have cached something before a time, as the API server
// tells times, which is in seconds; zero is now. One that was made later has not, nor has one that
// has ended, or that nobody could reach yet.
func mayHaveObjects(pod *corev1.Pod, before time.Time) bool {
	if hasEnded(pod) || pod.Status.PodIP == "" {
		return false
	}
	return before.IsZero() || !pod.CreationTimestamp.Time.After(before.Truncate(time.Second))
}

// hasLostCache tells whether the cache is gone that a pod had: it has ended, or its container does
// not run or is another one now. A pod that does not exist is nil.
func hasLostCache(pod *corev1.Pod, then *corev1.Pod) bool {
	if pod == nil || pod.UID != then.UID || hasEnded(pod) {
		return true
	}
	now, before := container(pod), container(then)
	switch {
	case now == nil || before == nil:
		return false
	case !isRunning(now) || !isRunning(before):
		return true
	}
	return now.State.Running.StartedAt.After(before.State.Running.StartedAt.Time)
}

func isRunning(c *corev1.ContainerStatus) bool { return c.State.Running != nil }

func hasEnded(pod *corev1.Pod) bool {
	return pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
}

// container is the status of the gateway's container; nil where nothing is known of it.
func container(pod *corev1.Pod) *corev1.ContainerStatus {
	for i := range pod.Status.ContainerStatuses {
		if pod.Status.ContainerStatuses[i].Name == workload.Container {
			return &pod.Status.ContainerStatuses[i]
		}
	}
	return nil
}
