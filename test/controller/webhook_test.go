//go:build apiserver

package controller

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// webhook is called by the API server for every write of objects that Gateways are made of, in one namespace.
type webhook struct {
	server        *httptest.Server
	configuration *admissionregistrationv1.MutatingWebhookConfiguration
	// review decides what becomes of a write.
	review func(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse
	asked  atomic.Int64
}

// startWebhook has the API server ask until the test ends.
func startWebhook(t *testing.T, namespace string, review func(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse) *webhook {
	t.Helper()
	w := &webhook{review: review}
	w.server = httptest.NewTLSServer(w)
	t.Cleanup(w.server.Close)
	url, fail, none := w.server.URL, admissionregistrationv1.Fail, admissionregistrationv1.SideEffectClassNone
	w.configuration = &admissionregistrationv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: namespace},
		Webhooks: []admissionregistrationv1.MutatingWebhook{{
			Name: "policy.example.org", FailurePolicy: &fail, SideEffects: &none, AdmissionReviewVersions: []string{"v1"},
			NamespaceSelector: &metav1.LabelSelector{MatchLabels: map[string]string{corev1.LabelMetadataName: namespace}},
			ClientConfig: admissionregistrationv1.WebhookClientConfig{
				URL: &url, CABundle: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.server.Certificate().Raw}),
			},
			Rules: []admissionregistrationv1.RuleWithOperations{{
				Operations: []admissionregistrationv1.OperationType{admissionregistrationv1.Create, admissionregistrationv1.Update},
				Rule: admissionregistrationv1.Rule{
					APIGroups: []string{"", "apps", "policy", "rbac.authorization.k8s.io"}, APIVersions: []string{"v1"},
					Resources: []string{"services", "deployments", "configmaps", "secrets", "serviceaccounts", "roles", "rolebindings", "poddisruptionbudgets"},
				},
			}},
		}},
	}
	require.NoError(t, cluster.Create(t.Context(), w.configuration))
	t.Cleanup(func() { w.remove(t) })
	eventually(t, "the API server to ask the webhook", func() error {
		before := w.asked.Load()
		probe := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "probe-"}}
		_ = cluster.Create(t.Context(), probe, client.DryRunAll)
		if w.asked.Load() == before {
			return fmt.Errorf("it was not asked")
		}
		return nil
	})
	return w
}

// remove has the API server ask no more.
func (w *webhook) remove(t *testing.T) {
	t.Helper()
	assert.NoError(t, client.IgnoreNotFound(cluster.Delete(context.Background(), w.configuration.DeepCopy())))
}

// ServeHTTP is the API of admission webhooks (admission.k8s.io/v1).
func (w *webhook) ServeHTTP(writer http.ResponseWriter, r *http.Request) {
	w.asked.Add(1)
	var review admissionv1.AdmissionReview
	if err := json.NewDecoder(r.Body).Decode(&review); err != nil || review.Request == nil {
		http.Error(writer, "no review", http.StatusBadRequest)
		return
	}
	review.Response = w.review(review.Request)
	review.Response.UID, review.Request = review.Request.UID, nil
	_ = json.NewEncoder(writer).Encode(review)
}

// relabels overwrites a label that we set, as policies of clusters do.
func relabels(*admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	kind := admissionv1.PatchTypeJSONPatch
	return &admissionv1.AdmissionResponse{
		Allowed: true, PatchType: &kind,
		Patch: []byte(`[{"op":"add","path":"/metadata/labels","value":{"gateway.varnish.io/owner":"policy","app.kubernetes.io/managed-by":"policy"}}]`),
	}
}

func TestAPolicyThatRewritesLabelsMakesNoLoop(t *testing.T) {
	_, tr := startCounted(t)
	ns := servingGateway(t)
	tr.settle(t)
	hook := startWebhook(t, ns, relabels)
	tr.begin()
	overwrite(func() *corev1.Service { return &corev1.Service{} }, "edge", func(s *corev1.Service) { s.Annotations["theirs"] = "x" })(t, ns, tr)
	eventually(t, "the label to be overwritten", func() error {
		if labels := get(t, &corev1.Service{}, ns, "edge").Labels; labels["app.kubernetes.io/managed-by"] != "policy" {
			return fmt.Errorf("%v", labels)
		}
		return nil
	})
	relabel(func(o client.Object) { o.SetLabels(nil) })(t, ns, tr)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "Service "+ns+"/edge: somebody else changes metadata.labels")
	tr.settle(t)
	reads, writes, _, _ := tr.most()
	t.Log(tr.report())
	assert.LessOrEqual(t, reads, 30, "reads of one object")
	// Two writes for each correction, of which five may come before they rest.
	assert.LessOrEqual(t, writes, 30, "writes of one object")
	require.NoError(t, programmedNow(get(t, &gatewayv1.Gateway{}, ns, "edge")))

	hook.remove(t)
	eventually(t, "every label to be put right", func() error { return labelled(t, ns) })
	eventually(t, "nothing to be told any more", func() error {
		return tells(ofGateway(t, ns, "edge"), "Programmed", "True", "The data plane runs this configuration.")
	})
}

func TestAPolicyThatRefusesIsToldOf(t *testing.T) {
	startOperator(t)
	ns := namespace(t)
	hook := startWebhook(t, ns, func(r *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		return &admissionv1.AdmissionResponse{
			Allowed: r.Resource.Resource != "services", Result: &metav1.Status{Code: http.StatusForbidden, Message: "no Services of this type here"},
		}
	})
	apply(t, ns, class+"---"+edge+"---\n"+webRoute)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Invalid", "no Services of this type here")
	eventuallyRoutes(t, ns, "web")
	hook.remove(t)
	startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.63")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")
}

// A webhook that is away makes the API server answer 500, and it may be back in a moment.
func TestAPolicyThatDoesNotAnswerIsToldOfAfterAWhile(t *testing.T) {
	startOperator(t)
	ns := servingGateway(t)
	record := recordProgrammed(t, ns, "edge")
	hook := startWebhook(t, ns, relabels)
	hook.server.CloseClientConnections()
	hook.server.Close()
	apply(t, ns, ofClass(withParameters("{podDisruptionBudget: {minAvailable: 1}, service: {type: ClusterIP}}"), ns))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "False", "Pending", "failed calling webhook")
	hook.remove(t)
	eventually(t, "the Gateway to be programmed again", func() error { return programmedNow(get(t, &gatewayv1.Gateway{}, ns, "edge")) })
	assert.Equal(t, []string{"Gateway True", "http True", "Gateway False", "http False", "Gateway True", "http True"}, record.stop())
}
