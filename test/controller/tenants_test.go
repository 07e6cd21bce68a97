//go:build apiserver

package controller

import (
	"fmt"
	"strings"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
)

// TestNamespacesWhosePoliciesAreSlowDelayNobodyElse: each write there takes nearly as long as an
// admission webhook may by default, and so the Gateways there take minutes.
func TestNamespacesWhosePoliciesAreSlowDelayNobodyElse(t *testing.T) {
	startOperator(t)
	slow := namespace(t)
	ended := make(chan struct{})
	hook := startWebhook(t, slow, func(r *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		if r.DryRun == nil || !*r.DryRun {
			select {
			case <-ended:
			case <-time.After(8 * time.Second):
			}
		}
		return &admissionv1.AdmissionResponse{Allowed: true}
	})
	t.Cleanup(func() { close(ended) })
	before := hook.asked.Load()
	manifests := class
	for i := range 12 {
		manifests += "---" + strings.Replace(edge, "name: edge", fmt.Sprintf("name: slow%d", i), 1)
	}
	apply(t, slow, manifests)
	eventually(t, "the slow ones to be under way", func() error {
		if n := hook.asked.Load() - before; n < 4 {
			return fmt.Errorf("%d writes", n)
		}
		return nil
	})
	servingGateway(t)
}
