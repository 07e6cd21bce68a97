//go:build apiserver

package controller

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"k8s.io/apimachinery/pkg/api/meta"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// classMissing is the condition of a Gateway whose class is gone.
const classMissing = "gateway.varnish.io/ClassMissing"

// A class is deleted, or renamed in a chart. Whoever reads the status of a Gateway or of its routes, as external-dns does, must
// not take them for gone.
func TestAGatewayWhoseClassIsGoneGoesOn(t *testing.T) {
	first := startOperator(t)
	ns := servingGateway(t)
	backends := namespace(t)
	apply(t, backends, grant(ns))
	apply(t, ns, routeTo("far", backends))
	eventuallyCondition(t, ofRoute(t, ns, "far"), "ResolvedRefs", "True", "", "")
	eventuallyAccesses(t, backends, 2)
	eventuallyRoutes(t, ns, "far", "web")

	remove(t, &gatewayv1.GatewayClass{}, "", ns)
	eventuallyCondition(t, ofGateway(t, ns, "edge"), classMissing, "True", "GatewayClassNotFound", "There is no GatewayClass")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Accepted", "True", "", "")
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "", "")
	first.idle(t)
	eventuallyCondition(t, ofRoute(t, ns, "web"), "Accepted", "True", "", "")
	eventuallyCondition(t, ofRoute(t, ns, "far"), "Accepted", "True", "", "")

	first.stop(t)
	versions := resourceVersions(t, ns)
	second := startOperator(t)
	second.idle(t)
	assert.Empty(t, second.writes(t), "a restart knows whose the Gateway is")
	assert.Equal(t, versions, resourceVersions(t, ns))

	remove(t, &gatewayv1.ReferenceGrant{}, backends, "from-edge")
	eventuallyCondition(t, ofRoute(t, ns, "far"), "ResolvedRefs", "False", "RefNotPermitted", "")
	eventuallyAccesses(t, backends, 0)
	remove(t, &gatewayv1.HTTPRoute{}, ns, "web")
	eventuallyRoutes(t, ns, "far")

	apply(t, ns, classOf(ns, "varnish.io/gateway-controller"))
	eventually(t, "the condition to be gone", func() error {
		if c := meta.FindStatusCondition(get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Conditions, classMissing); c != nil {
			return assert.AnError
		}
		return nil
	})
	eventuallyCondition(t, ofGateway(t, ns, "edge"), "Programmed", "True", "", "")
}

// A Gateway that was never ours says nothing of a class that there is not.
func TestAGatewayWithoutAClassFromTheBeginningIsNobodys(t *testing.T) {
	o := startOperator(t)
	ns := namespace(t)
	apply(t, ns, ofClass(edge, "no-such-class")+"---"+web)
	apply(t, ns, class+"---"+strings.Replace(edge, "name: edge", "name: other", 1))
	eventuallyCondition(t, ofGateway(t, ns, "other"), "Accepted", "True", "", "")
	o.idle(t)
	for _, c := range get(t, &gatewayv1.Gateway{}, ns, "edge").Status.Conditions {
		assert.Equal(t, "Unknown", string(c.Status), "%s is what the API server's default says", c.Type)
	}
	assert.Empty(t, get(t, &gatewayv1.HTTPRoute{}, ns, "web").Status.Parents)
}
