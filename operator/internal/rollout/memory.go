package rollout

import (
	"fmt"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// reasonMemory is the reason where a pod was given less memory than its cache needs. It is our own.
const reasonMemory = "InsufficientMemory"

// Memory tells of a pod of the Deployment's template whose container was admitted with a lower memory limit than it needs, in bytes; nil
// where there is none. Parameters with such a limit are refused before; a LimitRange gives one to pods that have none.
func Memory(deployment *appsv1.Deployment, pods []*corev1.Pod, needed int64) *Failure {
	for _, pod := range pods {
		if deployment == nil || !current(deployment, pod) {
			continue
		}
		for _, container := range pod.Spec.Containers {
			limit, limited := container.Resources.Limits[corev1.ResourceMemory]
			if container.Name != workload.Container || !limited || limit.Value() >= needed {
				continue
			}
			return &Failure{reasonMemory, fmt.Sprintf(
				"Pod %s has a memory limit of %s, but its cache and what a pod needs besides take %s. A LimitRange gives such limits: "+
					"set resources.limits.memory, or a smaller storage.size.",
				pod.Name, limit.String(), resource.NewQuantity(needed, resource.BinarySI))}
		}
	}
	return nil
}
