package invalidation

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// made is when invalidations of these tests were made.
var made = time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)

// podOf is a pod of a Gateway that was made an hour before, and has been running since.
func podOf(change func(*corev1.Pod)) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "infra", Name: "edge-1", UID: "1", CreationTimestamp: metav1.NewTime(made.Add(-time.Hour))}}
	pod.Status = corev1.PodStatus{Phase: corev1.PodRunning, PodIP: "10.0.0.1", ContainerStatuses: []corev1.ContainerStatus{{Name: "gateway"}}}
	runningSince(made.Add(-time.Hour))(pod)
	if change != nil {
		change(pod)
	}
	return pod
}

func runningSince(at time.Time) func(*corev1.Pod) {
	return func(pod *corev1.Pod) {
		pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: metav1.NewTime(at)}}
	}
}

func waiting(pod *corev1.Pod) {
	pod.Status.ContainerStatuses[0].State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff"}}
}

func unknown(pod *corev1.Pod) { pod.Status.ContainerStatuses = nil }

func ended(pod *corev1.Pod) { pod.Status.Phase = corev1.PodFailed }

func TestWhichPodsMayHaveObjects(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*corev1.Pod)
		want   bool
	}{
		"one that runs":                       {nil, true},
		"one that is about to leave":          {func(p *corev1.Pod) { p.DeletionTimestamp = new(metav1.NewTime(made)) }, true},
		"one that is not ready":               {waiting, true},
		"one that was made in that second":    {func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(made) }, true},
		"none that was made later":            {func(p *corev1.Pod) { p.CreationTimestamp = metav1.NewTime(made.Add(time.Second)) }, false},
		"none that nobody could reach so far": {func(p *corev1.Pod) { p.Status.PodIP = "" }, false},
		"none that has ended":                 {ended, false},
	} {
		assert.Equal(t, c.want, mayHaveObjects(podOf(c.change), made.Add(700*time.Millisecond)), name)
	}
}

func TestWhenTheCacheOfAPodIsGone(t *testing.T) {
	other := func(p *corev1.Pod) { p.UID = "2" }
	for name, c := range map[string]struct {
		then, now *corev1.Pod
		want      bool
	}{
		"it is as it was":                   {podOf(nil), podOf(nil), false},
		"it is not ready any more":          {podOf(nil), podOf(func(p *corev1.Pod) { p.Status.ContainerStatuses[0].Ready = false }), false},
		"it is deleted":                     {podOf(nil), nil, true},
		"another has its name":              {podOf(nil), podOf(other), true},
		"it has ended":                      {podOf(nil), podOf(ended), true},
		"its container does not run":        {podOf(nil), podOf(waiting), true},
		"its container is another one":      {podOf(nil), podOf(runningSince(made)), true},
		"its container did not run before":  {podOf(waiting), podOf(runningSince(made)), true},
		"nothing is known of its container": {podOf(nil), podOf(unknown), false},
		"nothing was known of it then":      {podOf(unknown), podOf(nil), false},
	} {
		assert.Equal(t, c.want, hasLostCache(c.now, c.then), name)
	}
}
