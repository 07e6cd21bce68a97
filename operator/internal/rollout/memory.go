package rollout

import (
	"fmt"
	"slices"
	"strings"

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
				"Pod %s has a memory limit of %s, but %s. A LimitRange gives such limits: %s.",
				pod.Name, limit.String(), takes(needed), remedy)}
		}
	}
	return nil
}

// LimitRange tells of a LimitRange of the Deployment's namespace that will give its pods a lower memory limit than they need, in bytes; nil
// where there is none. It says before there are pods what Memory says of those that there are.
func LimitRange(deployment *appsv1.Deployment, ranges []*corev1.LimitRange, needed int64) *Failure {
	if deployment == nil || limited(deployment) {
		return nil
	}
	sorted := slices.SortedFunc(slices.Values(ranges), func(a, b *corev1.LimitRange) int { return strings.Compare(a.Name, b.Name) })
	for _, r := range sorted {
		for _, item := range r.Spec.Limits {
			// The API server has put the highest limit there where no default was given.
			limit, gives := item.Default[corev1.ResourceMemory]
			if item.Type != corev1.LimitTypeContainer || !gives || limit.Value() >= needed {
				continue
			}
			return &Failure{reasonMemory, fmt.Sprintf(
				"LimitRange %s gives each pod a memory limit of %s, but %s: %s.", r.Name, limit.String(), takes(needed), remedy)}
		}
	}
	return nil
}

// limited tells whether the template says itself how much memory its pods may use.
func limited(deployment *appsv1.Deployment) bool {
	for _, container := range deployment.Spec.Template.Spec.Containers {
		if _, limited := container.Resources.Limits[corev1.ResourceMemory]; limited && container.Name == workload.Container {
			return true
		}
	}
	return false
}

// remedy is what helps where there is too little memory.
const remedy = "set resources.limits.memory, or a smaller storage.size"

func takes(needed int64) string {
	return fmt.Sprintf("its cache and what a pod needs besides take %s", resource.NewQuantity(needed, resource.BinarySI))
}
