//go:build apiserver

package controller

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// publishedServices are the namespaces of the services that a write publishes for the Gateway edge; nil for another request.
func publishedServices(t *testing.T, r *http.Request) []string {
	if r.Method != http.MethodPatch || !strings.HasSuffix(r.URL.Path, "/configmaps/"+gatewaypod.ConfigMapName("edge")) {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	assert.NoError(t, err)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var config corev1.ConfigMap
	if err := yaml.Unmarshal(body, &config); err != nil {
		assert.NoError(t, err)
		return nil
	}
	head := config.Data[routing.File]
	if head == "" {
		return nil
	}
	published, err := routing.Decode([]byte(head))
	assert.NoError(t, err)
	var namespaces []string
	for _, service := range published.Services {
		namespaces = append(namespaces, service.Namespace)
	}
	return namespaces
}

// bindingOf is the namespace in which a request writes a RoleBinding; empty for another request.
func bindingOf(r *http.Request) string {
	if c := callOf(r); c.write && c.resource == "rolebindings" {
		return c.namespace
	}
	return ""
}

// TestARouteIsPublishedWhenItsPodsMayReadWhereItLeads looks at each write that publishes: a service without endpoints answers 503.
func TestARouteIsPublishedWhenItsPodsMayReadWhereItLeads(t *testing.T) {
	proxy := startAPIProxy(t)
	var mu sync.Mutex
	var early []string
	published := map[string]bool{}
	proxy.meeting(func(r *http.Request) *apierrors.StatusError {
		namespaces := publishedServices(t, r)
		mu.Lock()
		defer mu.Unlock()
		for _, namespace := range namespaces {
			granted := slices.ContainsFunc(proxy.written(), func(write string) bool {
				return strings.HasPrefix(write, "PATCH ") && strings.Contains(write, "/namespaces/"+namespace+"/rolebindings/")
			})
			if !granted {
				early = append(early, namespace)
			}
			published[namespace] = true
		}
		return nil
	})
	o := proxy.startOperator(t)
	t.Cleanup(func() { o.stop(t) })
	ns := namespace(t)
	apply(t, ns, class+"---"+edge+"---"+web)
	eventuallyRoutes(t, ns, "web")
	names := []string{"web"}
	for i := range 10 {
		backends, name := namespace(t), fmt.Sprintf("to-%d", i)
		apply(t, backends, grant(ns))
		apply(t, ns, routeTo(name, backends))
		names = append(names, name)
		if i%2 == 0 {
			// Every second one comes while the one before is on its way.
			eventuallyRoutes(t, ns, sorted(names)...)
		}
	}
	eventuallyRoutes(t, ns, sorted(names)...)
	mu.Lock()
	defer mu.Unlock()
	assert.Len(t, published, 11, "the Gateway's own namespace and ten others")
	assert.Empty(t, early, "published before pods may read the EndpointSlices there")
}

// TestANamespaceThatCannotBeOpenedDelaysNobody has the API server refuse access to one namespace, and never answer for another.
func TestANamespaceThatCannotBeOpenedDelaysNobody(t *testing.T) {
	proxy := startAPIProxy(t)
	ns, refused, silent, good := namespace(t), namespace(t), namespace(t), namespace(t)
	release := make(chan struct{})
	proxy.meeting(func(r *http.Request) *apierrors.StatusError {
		switch bindingOf(r) {
		case refused:
			return apierrors.NewForbidden(schema.GroupResource{Resource: "rolebindings"}, "", fmt.Errorf("the test refuses this"))
		case silent:
			<-release
		}
		return nil
	})
	o := proxy.startOperator(t)
	t.Cleanup(func() { o.stop(t) })
	free := sync.OnceFunc(func() { close(release) })
	t.Cleanup(free)
	for _, backends := range []string{refused, silent, good} {
		apply(t, backends, grant(ns))
	}
	apply(t, ns, class+"---"+edge+"---"+web)
	startPod(t, ns, "edge")
	assignAddress(t, ns, "edge", "192.0.2.60")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed", "")

	apply(t, ns, routeTo("to-refused", refused)+"---"+routeTo("to-good", good))
	eventuallyRoutes(t, ns, "to-good", "to-refused", "web")
	require.Equal(t, 2, accesses(t, good))
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "Programmed",
		"cannot read the EndpointSlices of namespace "+refused)

	apply(t, ns, routeTo("to-silent", silent))
	eventuallyRoutes(t, ns, "to-good", "to-refused", "to-silent", "web")
	free()
	eventuallyAccesses(t, silent, 2)
}

// TestAccessComesAndGoesWithRoutes takes a route away and makes it anew, time and again: its pods get the endpoints each time as soon
// as the first time.
func TestAccessComesAndGoesWithRoutes(t *testing.T) {
	o := startOperator(t)
	t.Cleanup(func() { o.stop(t) })
	ns, backends := namespace(t), namespace(t)
	apply(t, backends, grant(ns))
	apply(t, ns, class+"---"+edge)
	// Were it put off for longer each time, the ninth time would be later than a test waits.
	for range 12 {
		apply(t, ns, routeTo("web", backends))
		eventuallyAccesses(t, backends, 2)
		remove(t, &gatewayv1.HTTPRoute{}, ns, "web")
		eventuallyAccesses(t, backends, 0)
	}
}
