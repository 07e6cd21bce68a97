package workload_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/workload"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

func TestWhoseAnObjectIs(t *testing.T) {
	g := plain()
	own := func(change func(*corev1.Service)) *corev1.Service {
		s := g.Service()
		change(s)
		return s
	}
	_, elsewhere := g.EndpointsAccess("backends")
	overwritten := elsewhere.DeepCopy()
	overwritten.Labels = nil
	unnamed := elsewhere.DeepCopy()
	delete(unnamed.Annotations, workload.AnnotationGateway)
	for name, c := range map[string]struct {
		object metav1.Object
		want   bool
	}{
		"as it was made":                   {own(func(*corev1.Service) {}), true},
		"without any label":                {own(func(s *corev1.Service) { s.Labels = nil }), true},
		"of another manager, by its label": {own(func(s *corev1.Service) { s.Labels[workload.LabelManagedBy] = "Helm" }), true},
		"of a version that did not say who made it": {
			own(func(s *corev1.Service) { delete(s.Annotations, gatewaypod.ControllerAnnotation) }), true,
		},
		"made by another controller": {
			own(func(s *corev1.Service) { s.Annotations[gatewaypod.ControllerAnnotation] = "example.org/other" }), false,
		},
		"of a Gateway of the same name that is gone": {own(func(s *corev1.Service) { s.OwnerReferences[0].UID = "gone" }), false},
		"without an owner":                           {own(func(s *corev1.Service) { s.OwnerReferences = nil }), false},
		"of which the Gateway is not the controller": {own(func(s *corev1.Service) { s.OwnerReferences[0].Controller = nil }), false},
		"elsewhere, as it was made":                  {elsewhere, true},
		"elsewhere, without any label":               {overwritten, true},
		"elsewhere, without the name of the Gateway": {unnamed, false},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, g.Owns(c.object)) })
	}
}

func TestWhichGatewayAnObjectNames(t *testing.T) {
	g := plain()
	elsewhere, _ := g.EndpointsAccess("backends")
	pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{
		Namespace: g.Object.Namespace, Annotations: map[string]string{workload.AnnotationGateway: g.Key().String()},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "apps/v1", Kind: "ReplicaSet", Name: "r", UID: "r", Controller: ptr.To(true)}},
	}}
	service := g.Service()
	service.Labels, service.Annotations = nil, nil
	other := service.DeepCopy()
	other.OwnerReferences[0].APIVersion = "example.org/v1"
	for name, c := range map[string]struct {
		object metav1.Object
		want   types.NamespacedName
	}{
		"what the Gateway controls":                {service, g.Key()},
		"a pod, by its annotation":                 {pod, g.Key()},
		"access to endpoints, by its annotation":   {elsewhere, g.Key()},
		"what a Gateway of another group controls": {other, types.NamespacedName{}},
	} {
		t.Run(name, func(t *testing.T) {
			got, ok := workload.GatewayOf(c.object)
			assert.Equal(t, c.want, got)
			assert.Equal(t, c.want != types.NamespacedName{}, ok)
		})
	}
	assert.Equal(t, gatewayv1.GatewayController("example.org/controller"), workload.Maker(elsewhere))
}
