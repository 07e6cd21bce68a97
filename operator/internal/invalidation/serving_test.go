package invalidation

import (
	"testing"

	"github.com/stretchr/testify/assert"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func TestTheGatewaysThatMayHaveCachedSomethingOfARoute(t *testing.T) {
	edge := types.NamespacedName{Namespace: "shop", Name: "edge"}
	ref := gatewayv1.ParentReference{Name: "edge"}
	says := func(controller, reason string, generation int64) []gatewayv1.RouteParentStatus {
		return []gatewayv1.RouteParentStatus{{
			ParentRef: ref, ControllerName: gatewayv1.GatewayController(controller),
			Conditions: []metav1.Condition{{Type: "Accepted", Status: "False", Reason: reason, ObservedGeneration: generation}},
		}}
	}
	for name, c := range map[string]struct {
		refs   []gatewayv1.ParentReference
		status []gatewayv1.RouteParentStatus
		want   []types.NamespacedName
	}{
		"one that it names": {[]gatewayv1.ParentReference{ref}, nil, []types.NamespacedName{edge}},
		"one that it names twice": {
			[]gatewayv1.ParentReference{ref, {Name: "edge", SectionName: new(gatewayv1.SectionName("web"))}}, nil, []types.NamespacedName{edge},
		},
		"one of another namespace": {
			[]gatewayv1.ParentReference{{Name: "edge", Namespace: new(gatewayv1.Namespace("infra"))}}, nil,
			[]types.NamespacedName{{Namespace: "infra", Name: "edge"}},
		},
		"no Service": {[]gatewayv1.ParentReference{{Name: "edge", Group: new(gatewayv1.Group("")), Kind: new(gatewayv1.Kind("Service"))}}, nil, nil},
		"one that does not accept it at the moment": {
			[]gatewayv1.ParentReference{ref}, says("us", "NoMatchingListenerHostname", 3), []types.NamespacedName{edge},
		},
		"none that does not let it in": {[]gatewayv1.ParentReference{ref}, says("us", "NotAllowedByListeners", 3), nil},
		"one of which that was said of an older route": {
			[]gatewayv1.ParentReference{ref}, says("us", "NotAllowedByListeners", 2), []types.NamespacedName{edge},
		},
		"one of which another controller says so": {
			[]gatewayv1.ParentReference{ref}, says("them", "NotAllowedByListeners", 3), []types.NamespacedName{edge},
		},
	} {
		t.Run(name, func(t *testing.T) {
			route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Generation: 3}}
			route.Spec.ParentRefs, route.Status.Parents = c.refs, c.status
			assert.Equal(t, c.want, Named(route, "us"))
		})
	}
}
