// Package rollout tells why pods of a Gateway are not created, or do not start. It is pure: it quotes what the Deployment and its
// pods say already.
package rollout

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
)

// Failure is why there are not the pods that there should be.
type Failure struct {
	// Reason is that of Kubernetes: FailedCreate, Unschedulable, ImagePullBackOff, CrashLoopBackOff, Evicted,
	// ProgressDeadlineExceeded, and what else a Deployment or a pod gives.
	Reason string
	// Message is a sentence with the words of whoever has the reason.
	Message string
}

// Find tells why pods of a Deployment's template are missing, or do not start; nil where none are missing, or nothing keeps them from
// starting yet. Pods may be all of the Deployment's. What comes first hides the rest: pods that cannot be created, pods that do
// not start in the order of their names, and a Deployment that makes no progress. varnishd says, by the name of a pod that is not
// ready, how varnishd ended in it.
func Find(deployment *appsv1.Deployment, pods []*corev1.Pod, varnishd map[string]string) *Failure {
	if deployment == nil || complete(deployment) {
		return nil
	}
	if c := condition(deployment, appsv1.DeploymentReplicaFailure); c != nil && c.Status == corev1.ConditionTrue {
		return &Failure{cmp.Or(c.Reason, reasonCreate), "Pods are missing: " + sentence(c.Message)}
	}
	progress := condition(deployment, appsv1.DeploymentProgressing)
	if progress != nil && progress.Status == corev1.ConditionFalse && progress.Reason != reasonDeadline {
		return &Failure{progress.Reason, "Pods are missing: " + sentence(progress.Message)}
	}
	sorted := slices.SortedFunc(slices.Values(pods), func(a, b *corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	for _, pod := range sorted {
		if !current(deployment, pod) {
			continue
		}
		if failure := ofPod(pod); failure != nil {
			return failure
		}
		if end := varnishd[pod.Name]; end != "" {
			return &Failure{reasonCrash, podSentence(pod, "does not become ready", end)}
		}
	}
	if progress != nil && progress.Status == corev1.ConditionFalse {
		message := "Pods do not become ready: " + sentence(progress.Message)
		for _, pod := range sorted {
			if current(deployment, pod) && unready(pod) != "" {
				message += " " + unready(pod)
				break
			}
		}
		return &Failure{progress.Reason, message}
	}
	return nil
}

const (
	// reasonCreate is the reason of a ReplicaSet whose pods the API server refuses.
	reasonCreate = "FailedCreate"
	// reasonDeadline is the reason of a Deployment that has made no progress for progressDeadlineSeconds. It says no more than that.
	reasonDeadline = "ProgressDeadlineExceeded"
)

// Differs tells whether Find may give another answer for a Deployment of which another status is known.
func Differs(before, after *appsv1.Deployment) bool {
	return complete(before) != complete(after) || words(before) != words(after)
}

// words are what a Deployment says of its failures.
func words(d *appsv1.Deployment) string {
	var said []string
	for _, kind := range []appsv1.DeploymentConditionType{appsv1.DeploymentReplicaFailure, appsv1.DeploymentProgressing} {
		c := condition(d, kind)
		if c != nil && (c.Status == corev1.ConditionTrue) == (kind == appsv1.DeploymentReplicaFailure) {
			said = append(said, c.Reason, c.Message)
		}
	}
	return strings.Join(said, "\n")
}

// complete tells whether every pod that is asked for is there, of the newest template, and available.
func complete(d *appsv1.Deployment) bool {
	wanted := int32(1)
	if d.Spec.Replicas != nil {
		wanted = *d.Spec.Replicas
	}
	s := d.Status
	return s.ObservedGeneration >= d.Generation && s.UpdatedReplicas >= wanted && s.AvailableReplicas >= wanted && s.Replicas == s.UpdatedReplicas
}

func condition(d *appsv1.Deployment, kind appsv1.DeploymentConditionType) *appsv1.DeploymentCondition {
	for i := range d.Status.Conditions {
		if d.Status.Conditions[i].Type == kind {
			return &d.Status.Conditions[i]
		}
	}
	return nil
}

// current tells whether a pod is of the Deployment's template, and stays.
func current(d *appsv1.Deployment, pod *corev1.Pod) bool {
	return pod.DeletionTimestamp.IsZero() &&
		pod.Annotations[workload.AnnotationInfraHash] == d.Spec.Template.Annotations[workload.AnnotationInfraHash]
}

// sentence is a message in one line that ends as a sentence does.
func sentence(message string) string {
	line := strings.Join(strings.Fields(message), " ")
	if len(line) > maxWords {
		line = strings.ToValidUTF8(line[:maxWords], "") + " ..."
	}
	if line == "" || strings.HasSuffix(line, ".") {
		return line
	}
	return line + "."
}

// maxWords bounds what is quoted, in bytes.
const maxWords = 1024

func podSentence(pod *corev1.Pod, what, words string) string {
	if words = sentence(words); words == "" {
		return fmt.Sprintf("Pod %s %s.", pod.Name, what)
	}
	return fmt.Sprintf("Pod %s %s: %s", pod.Name, what, words)
}
