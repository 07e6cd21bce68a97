package report

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
)

func TestProgrammedFollowsTheDataPlaneWhereTheGatewayIsValid(t *testing.T) {
	accepted := func(status metav1.ConditionStatus) []Condition {
		return []Condition{{Type: "Accepted", Status: status, Reason: "Accepted"}, {Type: "ResolvedRefs", Status: "True"}}
	}
	serving, broken := Listener{Name: "a", Serves: true}, Listener{Name: "b"}
	for name, test := range map[string]struct {
		gateway   Gateway
		plane     DataPlane
		want      metav1.ConditionStatus
		reason    gatewayv1.GatewayConditionReason
		listeners []metav1.ConditionStatus
	}{
		"everything runs": {
			Gateway{Conditions: accepted("True"), Listeners: []Listener{serving}}, DataPlane{Status: "True"},
			"True", gatewayv1.GatewayReasonProgrammed, []metav1.ConditionStatus{"True"}},
		"one of two listeners serves": {
			Gateway{Conditions: accepted("True"), Listeners: []Listener{serving, broken}}, DataPlane{Status: "True"},
			"True", gatewayv1.GatewayReasonProgrammed, []metav1.ConditionStatus{"True", "False"}},
		"no listener serves": {
			Gateway{Conditions: accepted("True"), Listeners: []Listener{broken}}, DataPlane{Status: "True"},
			"False", gatewayv1.GatewayReasonInvalid, []metav1.ConditionStatus{"False"}},
		"the Gateway is not accepted": {
			Gateway{Conditions: accepted("False"), Listeners: []Listener{serving}}, DataPlane{Status: "True"},
			"False", gatewayv1.GatewayReasonInvalid, []metav1.ConditionStatus{"False"}},
		"nothing is known of the data plane yet": {
			Gateway{Conditions: accepted("True"), Listeners: []Listener{serving}}, DataPlane{Status: "Unknown"},
			"Unknown", gatewayv1.GatewayReasonPending, []metav1.ConditionStatus{"Unknown"}},
		"the data plane gives a reason": {
			Gateway{Conditions: accepted("True"), Listeners: []Listener{serving}},
			DataPlane{Status: "False", Reason: gatewayv1.GatewayReasonNoResources, Message: "no node"},
			"False", gatewayv1.GatewayReasonNoResources, []metav1.ConditionStatus{"False"}},
	} {
		t.Run(name, func(t *testing.T) {
			before := slices.Clone(test.gateway.Conditions)
			got := test.gateway.WithDataPlane(test.plane)
			programmed := Find(got.Conditions, "Programmed")
			assert.Equal(t, test.want, programmed.Status)
			assert.Equal(t, string(test.reason), programmed.Reason)
			assert.Equal(t, "Programmed", got.Conditions[1].Type, "next to Accepted")
			for i, want := range test.listeners {
				assert.Equal(t, want, Find(got.Listeners[i].Conditions, "Programmed").Status)
			}
			assert.Equal(t, before, test.gateway.Conditions, "the report itself stays as it is")
			assert.Equal(t, got, got.WithDataPlane(test.plane), "a second time changes nothing")
		})
	}
}

func TestAStatusThatStandsStaysWordForWord(t *testing.T) {
	g := Gateway{
		Conditions: []Condition{{Type: "Accepted", Status: "True"}, {Type: "ResolvedRefs", Status: "True"}},
		Listeners:  []Listener{{Name: "a", Serves: true}, {Name: "b"}, {Name: "new", Serves: true}},
	}
	written := func(c Condition) []metav1.Condition {
		return []metav1.Condition{{Type: c.Type, Status: c.Status, Reason: c.Reason, Message: c.Message}}
	}
	first := g.WithDataPlane(DataPlane{Status: "True"})
	programmed := *Find(first.Conditions, "Programmed")
	require.Equal(t, "2 of 3 listeners serve. The data plane runs this configuration.", programmed.Message)
	before := &gatewayv1.GatewayStatus{Conditions: written(programmed)}
	for _, l := range first.Listeners[:2] {
		before.Listeners = append(before.Listeners, gatewayv1.ListenerStatus{
			Name: gatewayv1.SectionName(l.Name), Conditions: written(*Find(l.Conditions, "Programmed")),
		})
	}
	got := g.WithDataPlane(Standing(before))
	assert.Equal(t, first, got, "what is true is said in the same words, and nothing is put before them")

	g.Listeners[0].Serves = false
	assert.Equal(t, metav1.ConditionFalse, Find(g.WithDataPlane(Standing(before)).Listeners[0].Conditions, "Programmed").Status,
		"what is not valid does not stand")
	before.Conditions[0].Status, before.Conditions[0].Message = metav1.ConditionFalse, "It was refused."
	assert.Equal(t, "It was refused.", Find(g.WithDataPlane(Standing(before)).Conditions, "Programmed").Message, "whatever it says")
	assert.Equal(t, metav1.ConditionUnknown, Standing(&gatewayv1.GatewayStatus{}).Status)
}

func TestAPortThatIsNotOpenTakesBackNothingElse(t *testing.T) {
	programmed := []metav1.Condition{{Type: "Programmed", Status: "True", Reason: "Programmed", Message: "As before.", ObservedGeneration: 4}}
	before := &gatewayv1.GatewayStatus{Conditions: programmed, Listeners: []gatewayv1.ListenerStatus{
		{Name: "web", Conditions: programmed}, {Name: "alt", Conditions: programmed},
	}}
	const closed = "Pod a has not opened port 8081 for HTTP yet."
	lacking := DataPlane{Status: "False", Reason: gatewayv1.GatewayReasonPending, Message: closed, Closed: map[int32]string{8081: closed}}
	keeping := lacking
	keeping.Before = before
	type written struct {
		status     metav1.ConditionStatus
		generation int64
	}
	for name, c := range map[string]struct {
		plane        DataPlane
		gateway      written
		web, alt     written
		altMessage   string
		withoutOther bool
	}{
		"a listener was added to a Gateway that serves": {
			plane: keeping, gateway: written{"True", 4}, web: written{"True", 0}, alt: written{"False", 0}, altMessage: closed,
		},
		"the Gateway was not programmed before": {
			plane: lacking, gateway: written{"False", 0}, web: written{"True", 0}, alt: written{"False", 0}, altMessage: closed,
		},
		"no listener is open": {
			plane: keeping, gateway: written{"False", 0}, alt: written{"False", 0}, altMessage: closed, withoutOther: true,
		},
		"pods are about to take what has changed": {
			plane:   DataPlane{Status: "False", Reason: gatewayv1.GatewayReasonPending, Message: "Not yet.", Lags: true, Before: before},
			gateway: written{"True", 4}, web: written{"True", 4}, alt: written{"True", 4}, altMessage: "As before.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := Gateway{
				Conditions: []Condition{{Type: "Accepted", Status: "True"}},
				Listeners:  []Listener{{Name: "alt", Port: 8081, Serves: true}, {Name: "web", Port: 80, Serves: true}},
			}
			if c.withoutOther {
				g.Listeners = g.Listeners[:1]
			}
			got := g.WithDataPlane(c.plane)
			of := func(conditions []Condition) written {
				c := Find(conditions, "Programmed")
				return written{c.Status, c.ObservedGeneration}
			}
			assert.Equal(t, c.gateway, of(got.Conditions))
			assert.Equal(t, c.alt, of(got.Listeners[0].Conditions))
			assert.Equal(t, c.altMessage, Find(got.Listeners[0].Conditions, "Programmed").Message)
			if !c.withoutOther {
				assert.Equal(t, c.web, of(got.Listeners[1].Conditions))
			}
		})
	}
}

func TestLinesBelowAMessageAreToldOnce(t *testing.T) {
	g := Gateway{
		Conditions: []Condition{{Type: "Accepted", Status: "True"}, {Type: "ResolvedRefs", Status: "True"}},
		Listeners:  []Listener{{Name: "a", Serves: true}, {Name: "b", Serves: true}},
	}.WithDataPlane(DataPlane{Status: "False", Reason: gatewayv1.GatewayReasonInvalid, Message: "It does not compile.\nExpected ';'\n---#"})
	assert.Equal(t, "It does not compile.\nExpected ';'\n---#", Find(g.Conditions, "Programmed").Message)
	for _, l := range g.Listeners {
		assert.Equal(t, "It does not compile.", Find(l.Conditions, "Programmed").Message)
	}
}

func TestListenersThatDoNotServeHideNothing(t *testing.T) {
	gateway := Gateway{
		Conditions: []Condition{{Type: "Accepted", Status: "True", Reason: "Accepted"}},
		Listeners:  []Listener{{Name: "a", Serves: true}, {Name: "b"}},
	}
	said := func(message string) string {
		return Find(gateway.WithDataPlane(DataPlane{Status: "True", Message: message}).Conditions, "Programmed").Message
	}
	assert.Equal(t, "1 of 2 listeners serve. With 1 inert record.", said("With 1 inert record."))
	assert.Equal(t, "1 of 2 listeners serve. The data plane runs this configuration.", said(""))
}

func TestVersionsOfTheGatewayAPI(t *testing.T) {
	for bundles, want := range map[string]metav1.ConditionStatus{
		"v1.7.0": "True", "v1.7.3": "True", "v1.0.0": "True", "v1.7.0-rc.1": "True",
		"v1.8.0": "False", "v0.8.1": "False", "v2.0.0": "False", "nonsense": "False", "": "False",
		"v1.7.0 v1.7.0": "True", "v1.7.0 v1.6.0": "False", "v1.7.0 v1.8.0": "False", "v1.7.0 ": "False",
	} {
		var definitions []inputs.Definition
		for _, bundle := range strings.Split(bundles, " ") {
			definitions = append(definitions, inputs.Definition{Resource: "gateways", BundleVersion: bundle})
		}
		c := SupportedVersion(definitions)
		assert.Equal(t, want, c.Status, bundles)
		assert.Contains(t, c.Message, definitions[0].BundleVersion)
	}
	c := SupportedVersion([]inputs.Definition{{Resource: "gateways", BundleVersion: "v1.7.0"}, {Resource: "referencegrants"}})
	assert.Contains(t, c.Message, "gateways v1.7.0, referencegrants without a version")
}
