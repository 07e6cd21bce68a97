package gather

import (
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"sigs.k8s.io/controller-runtime/pkg/cache"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// CacheOptions keep the caches small: of the kinds that Gateways are made of only our own objects, and of every
// object only what is read. Whose an object is decides its ownerReference, which is never left out. An object that lost
// our label is missing here; whoever looks for it asks the API server before saying that there is none.
func CacheOptions() cache.Options {
	managed := cache.ByObject{Label: ownerLabelled()}
	pods := managed
	pods.Transform = trimPod
	return cache.Options{
		DefaultTransform: trim,
		ByObject: map[client.Object]cache.ByObject{
			&appsv1.Deployment{}:            managed,
			&corev1.ServiceAccount{}:        managed,
			&rbacv1.Role{}:                  managed,
			&rbacv1.RoleBinding{}:           managed,
			&policyv1.PodDisruptionBudget{}: managed,
			&corev1.Pod{}:                   pods,
		},
		// A kind that nobody asked to watch at the start must not be watched by mistake.
		ReaderFailOnMissingInformer: true,
	}
}

// ownerLabelled selects what has the label of an owner, whichever.
func ownerLabelled() labels.Selector {
	exists, err := labels.NewRequirement(workload.LabelOwner, selection.Exists, nil)
	if err != nil {
		panic(err) // the label is a constant
	}
	return labels.NewSelector().Add(*exists)
}

// trim takes away what nobody reads.
func trim(object any) (any, error) {
	o, ok := object.(metav1.Object)
	if !ok {
		return object, nil
	}
	o.SetManagedFields(nil)
	if annotations := o.GetAnnotations(); annotations[corev1.LastAppliedConfigAnnotation] != "" {
		delete(annotations, corev1.LastAppliedConfigAnnotation)
	}
	if workload.MayBeOwned(o) {
		return object, nil
	}
	switch o := object.(type) {
	case *metav1.PartialObjectMetadata:
		o.Annotations, o.OwnerReferences, o.Finalizers = nil, nil, nil
	case *corev1.Service:
		o.Annotations, o.OwnerReferences, o.Finalizers = nil, nil, nil
		o.Spec.Selector = nil
		o.Status = corev1.ServiceStatus{}
	}
	return object, nil
}

// trimPod leaves who a pod is, where it is reached, whether it is ready and why it is not, and which resources it was given.
func trimPod(object any) (any, error) {
	pod, ok := object.(*corev1.Pod)
	if !ok {
		return object, nil
	}
	pod.ManagedFields = nil
	pod.Spec = corev1.PodSpec{Containers: trimContainers(pod.Spec.Containers)}
	pod.Status = corev1.PodStatus{
		Phase: pod.Status.Phase, PodIP: pod.Status.PodIP, Conditions: pod.Status.Conditions,
		Reason: pod.Status.Reason, Message: pod.Status.Message,
		InitContainerStatuses: trimStatuses(pod.Status.InitContainerStatuses),
		ContainerStatuses:     trimStatuses(pod.Status.ContainerStatuses),
	}
	return pod, nil
}

func trimContainers(containers []corev1.Container) []corev1.Container {
	var trimmed []corev1.Container
	for _, c := range containers {
		trimmed = append(trimmed, corev1.Container{Name: c.Name, Resources: c.Resources})
	}
	return trimmed
}

func trimStatuses(statuses []corev1.ContainerStatus) []corev1.ContainerStatus {
	var trimmed []corev1.ContainerStatus
	for _, s := range statuses {
		trimmed = append(trimmed, corev1.ContainerStatus{
			Name: s.Name, Ready: s.Ready, State: s.State, LastTerminationState: s.LastTerminationState,
		})
	}
	return trimmed
}
