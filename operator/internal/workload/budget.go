package workload

import (
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Budget is the PodDisruptionBudget, or nil where none is asked for.
func (g Gateway) Budget() *policyv1.PodDisruptionBudget {
	settings := g.Settings.PodDisruptionBudget
	if settings == nil {
		return nil
	}
	return &policyv1.PodDisruptionBudget{
		TypeMeta:   metav1.TypeMeta{APIVersion: policyv1.SchemeGroupVersion.String(), Kind: "PodDisruptionBudget"},
		ObjectMeta: g.owned(NamesOf(g.Object.Name).Budget),
		Spec: policyv1.PodDisruptionBudgetSpec{
			Selector:       &metav1.LabelSelector{MatchLabels: Selector(g.Object.Name)},
			MinAvailable:   settings.MinAvailable,
			MaxUnavailable: settings.MaxUnavailable,
		},
	}
}
