package rollout

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// ofPod is what keeps a pod from starting; nil where nothing does, or nothing that is known yet.
func ofPod(pod *corev1.Pod) *Failure {
	if podCondition(pod, corev1.PodReady).Status == corev1.ConditionTrue {
		return nil
	}
	if pod.Status.Phase == corev1.PodFailed {
		reason := cmp.Or(pod.Status.Reason, "Failed")
		return &Failure{reason, podSentence(pod, "has failed ("+reason+")", pod.Status.Message)}
	}
	if c := podCondition(pod, corev1.PodScheduled); c.Status == corev1.ConditionFalse {
		reason := cmp.Or(c.Reason, reasonUnschedulable)
		return &Failure{reason, podSentence(pod, "has no node", c.Message)}
	}
	for _, container := range slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses) {
		if failure := ofContainer(pod, container); failure != nil {
			return failure
		}
	}
	return nil
}

// starting are the reasons of containers that wait for what is on its way.
var starting = []string{"", "ContainerCreating", "PodInitializing"}

// Reasons that the kubelet and the scheduler give, as far as they are told apart here. Others are quoted as they are.
const (
	reasonUnschedulable = "Unschedulable"
	reasonCrash         = "CrashLoopBackOff"
	reasonPull          = "ImagePullBackOff"
	// pullError alternates with reasonPull, and means the same.
	pullError = "ErrImagePull"
)

// ofContainer is what keeps a container from running. The kubelet tries again and again, and its reasons alternate: while it tries
// a container that has ended, or an image that could not be pulled, the failure stays the same.
func ofContainer(pod *corev1.Pod, container corev1.ContainerStatus) *Failure {
	if ended := lastEnd(container); ended != nil {
		how := fmt.Sprintf("ends again and again: container %s ended with exit code %d (%s)", container.Name, ended.ExitCode, cmp.Or(ended.Reason, "Error"))
		return &Failure{reasonCrash, podSentence(pod, how, ended.Message)}
	}
	waiting := container.State.Waiting
	if waiting == nil || slices.Contains(starting, waiting.Reason) {
		return nil
	}
	if waiting.Reason == pullError || waiting.Reason == reasonPull {
		return &Failure{reasonPull, podSentence(pod, "waits for its image", backOff.ReplaceAllString(waiting.Message, ""))}
	}
	return &Failure{waiting.Reason, podSentence(pod, fmt.Sprintf("cannot start container %s (%s)", container.Name, waiting.Reason), waiting.Message)}
}

// backOff is what the kubelet puts before the error of a pull while it waits to try again.
var backOff = regexp.MustCompile(`^Back-off pulling image "[^"]*": ErrImagePull: `)

// lastEnd is how a container ended last, where it does not run well since.
func lastEnd(container corev1.ContainerStatus) *corev1.ContainerStateTerminated {
	ended := container.State.Terminated
	if ended == nil {
		ended = container.LastTerminationState.Terminated
	}
	if ended == nil || container.Ready || (ended.ExitCode == 0 && container.State.Waiting == nil) {
		return nil
	}
	return ended
}

// unready is what a pod that is not ready says of itself.
func unready(pod *corev1.Pod) string {
	c := podCondition(pod, corev1.PodReady)
	if c.Status == corev1.ConditionTrue {
		return ""
	}
	for _, container := range pod.Status.ContainerStatuses {
		if waiting := container.State.Waiting; waiting != nil {
			return podSentence(pod, "waits ("+waiting.Reason+")", waiting.Message)
		}
	}
	return podSentence(pod, "is not ready", c.Message)
}

// podCondition is a condition of a pod; zero where it has none of that type.
func podCondition(pod *corev1.Pod, kind corev1.PodConditionType) corev1.PodCondition {
	for _, c := range pod.Status.Conditions {
		if c.Type == kind {
			return c
		}
	}
	return corev1.PodCondition{}
}
