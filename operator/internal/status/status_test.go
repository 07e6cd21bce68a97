package status

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/gatewaytest"
	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/report"
)

var (
	then = metav1.NewTime(time.Unix(1_000, 0).UTC())
	now  = metav1.NewTime(time.Unix(2_000, 0).UTC())
)

func accepted(status metav1.ConditionStatus) report.Condition {
	return report.Condition{Type: "Accepted", Status: status, Reason: "Accepted", Message: "m"}
}

func live(conditionType string, status metav1.ConditionStatus, generation int64) metav1.Condition {
	return metav1.Condition{
		Type: conditionType, Status: status, Reason: "Accepted", Message: "m",
		ObservedGeneration: generation, LastTransitionTime: then,
	}
}

func TestConditionsAreMerged(t *testing.T) {
	ours := ownership{"Accepted": true, "PartiallyInvalid": true}
	foreign := live("example.org/Foreign", metav1.ConditionUnknown, 7)
	for name, test := range map[string]struct {
		live     []metav1.Condition
		reported []report.Condition
		want     []metav1.Condition
	}{
		"a new condition begins now": {
			nil, []report.Condition{accepted("True")},
			[]metav1.Condition{{Type: "Accepted", Status: "True", Reason: "Accepted", Message: "m", ObservedGeneration: 2, LastTransitionTime: now}}},
		"a condition that says the same keeps its time, at the new generation": {
			[]metav1.Condition{live("Accepted", "True", 1)}, []report.Condition{accepted("True")},
			[]metav1.Condition{live("Accepted", "True", 2)}},
		"a condition that turns begins now": {
			[]metav1.Condition{live("Accepted", "False", 1)}, []report.Condition{accepted("True")},
			[]metav1.Condition{{Type: "Accepted", Status: "True", Reason: "Accepted", Message: "m", ObservedGeneration: 2, LastTransitionTime: now}}},
		"a condition of others stays as it is, and where it is": {
			[]metav1.Condition{foreign, live("Accepted", "True", 2)}, []report.Condition{accepted("True")},
			[]metav1.Condition{foreign, live("Accepted", "True", 2)}},
		"a condition of ours that is no longer reported goes": {
			[]metav1.Condition{foreign, live("PartiallyInvalid", "True", 2), live("Accepted", "True", 2)},
			[]report.Condition{accepted("True")},
			[]metav1.Condition{foreign, live("Accepted", "True", 2)}},
		"a condition of a later generation is not set back": {
			[]metav1.Condition{live("Accepted", "False", 3), live("PartiallyInvalid", "True", 3)},
			[]report.Condition{accepted("True")},
			[]metav1.Condition{live("Accepted", "False", 3), live("PartiallyInvalid", "True", 3)}},
	} {
		t.Run(name, func(t *testing.T) {
			before := asJSON(t, test.live)
			assert.Equal(t, test.want, mergeConditions(test.live, test.reported, 2, now, ours))
			assert.Equal(t, before, asJSON(t, test.live), "the live status is not changed in place")
		})
	}
}

func TestConditionsBeyondTheLimitAreLeftOut(t *testing.T) {
	var before []metav1.Condition
	for i := range maxConditions - 1 {
		before = append(before, live(fmt.Sprintf("example.org/%d", i), "True", 1))
	}
	merged := mergeConditions(before, []report.Condition{
		accepted("True"), {Type: "Programmed", Status: "True", Reason: "Programmed"},
	}, 1, now, gatewayConditions)
	assert.Len(t, merged, maxConditions)
	assert.Equal(t, "Accepted", merged[maxConditions-1].Type)
}

func TestMessagesAreCutAtTheEndOfACharacter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		message := strings.Repeat(rapid.StringN(1, 7, -1).Draw(t, "part"), maxMessage)
		cut := limited(message)
		assert.LessOrEqual(t, len(cut), maxMessage)
		assert.True(t, utf8.ValidString(cut))
	})
}

func gatewayReport(attached int32, kinds ...gatewayv1.RouteGroupKind) report.Gateway {
	return report.Gateway{
		Object:     report.Object{Namespace: "default", Name: "gateway", Generation: 2},
		Conditions: []report.Condition{accepted("True")},
		Listeners: []report.Listener{{
			Name: "http", SupportedKinds: append([]gatewayv1.RouteGroupKind{}, kinds...), AttachedRoutes: attached,
			Conditions: []report.Condition{accepted("True")}, Serves: true,
		}},
	}
}

func TestGatewayStatusIsWrittenOnceForOneChange(t *testing.T) {
	r := gatewayReport(3).WithDataPlane(report.DataPlane{Status: metav1.ConditionTrue})
	r.Addresses = []gatewayv1.GatewayStatusAddress{{Value: "192.0.2.1"}}
	first, changed := Gateway(gatewayv1.GatewayStatus{}, r, then)
	assert.True(t, changed)
	again, changed := Gateway(first, r, now)
	assert.False(t, changed)
	assert.Equal(t, first, again)

	// What an API server gives back is not the same value in memory, but says the same.
	var fromServer gatewayv1.GatewayStatus
	require.NoError(t, json.Unmarshal([]byte(asJSON(t, first)), &fromServer))
	_, changed = Gateway(fromServer, r, now)
	assert.False(t, changed)
}

func TestEmptySupportedKindsAreWritten(t *testing.T) {
	merged, _ := Gateway(gatewayv1.GatewayStatus{}, gatewayReport(0), now)
	assert.Contains(t, asJSON(t, merged), `"supportedKinds":[]`)
}

func TestAttachedRoutesAndTheRestOfAGatewayDoNotTouchEachOther(t *testing.T) {
	r := gatewayReport(3)
	status, _ := Gateway(gatewayv1.GatewayStatus{}, r, then)
	assert.Zero(t, status.Listeners[0].AttachedRoutes)
	counted, changed := AttachedRoutes(status, r)
	assert.True(t, changed)
	assert.Equal(t, int32(3), counted.Listeners[0].AttachedRoutes)
	assert.Zero(t, status.Listeners[0].AttachedRoutes, "the live status is not changed in place")

	_, changed = AttachedRoutes(counted, r)
	assert.False(t, changed)
	kept, changed := Gateway(counted, r, now)
	assert.False(t, changed)
	assert.Equal(t, int32(3), kept.Listeners[0].AttachedRoutes)
	_, changed = AttachedRoutes(gatewayv1.GatewayStatus{}, r)
	assert.False(t, changed, "a listener without a status is left to the other writer")
}

func TestForeignConditionsOfGatewayAndListenersSurvive(t *testing.T) {
	foreign := live("example.org/Foreign", "False", 1)
	before := gatewayv1.GatewayStatus{
		Addresses:  []gatewayv1.GatewayStatusAddress{{Value: "192.0.2.1"}},
		Conditions: []metav1.Condition{foreign},
		Listeners: []gatewayv1.ListenerStatus{
			{Name: "gone", Conditions: []metav1.Condition{foreign}},
			{Name: "http", Conditions: []metav1.Condition{foreign}, AttachedRoutes: 4},
		},
	}
	merged, changed := Gateway(before, gatewayReport(0), now)
	assert.True(t, changed)
	assert.Equal(t, foreign, merged.Conditions[0])
	require.Len(t, merged.Listeners, 1)
	assert.Equal(t, foreign, merged.Listeners[0].Conditions[0])
	assert.Equal(t, before.Addresses, merged.Addresses, "addresses that are not reported stay")
}

func TestGatewayClassStatusIsWrittenOnceForOneChange(t *testing.T) {
	r := report.GatewayClass{
		Conditions: []report.Condition{accepted("True")}, SupportedFeatures: []gatewayv1.SupportedFeature{{Name: "Gateway"}, {Name: "HTTPRoute"}},
	}
	first, changed := GatewayClass(gatewayv1.GatewayClassStatus{}, r, then)
	assert.True(t, changed)
	_, changed = GatewayClass(first, r, now)
	assert.False(t, changed)
}

func parentRef(name string) gatewayv1.ParentReference {
	return gatewayv1.ParentReference{
		Group: gatewaytest.Ref(gatewayv1.Group(gatewayv1.GroupName)), Kind: gatewaytest.Ref(gatewayv1.Kind("Gateway")),
		Name: gatewayv1.ObjectName(name),
	}
}

// reportOf tells of an object that is attached to those of these names.
func reportOf(names ...string) report.Attached {
	r := report.Attached{Object: report.Object{Generation: 2}}
	for _, name := range names {
		r.Entries = append(r.Entries, report.Entry{Ref: parentRef(name), Conditions: []report.Condition{accepted("True")}})
	}
	return r
}

// forEachAttachedKind runs a test with every version of every kind whose objects are attached to others.
func forEachAttachedKind(t *testing.T, test func(*testing.T, *inputs.Attached, inputs.Object)) {
	for _, kind := range inputs.AttachedKinds() {
		for _, version := range kind.Versions {
			t.Run(kind.Name+" "+version.Name, func(t *testing.T) { test(t, kind.Attached, version.New()) })
		}
	}
}

func TestEntriesOfOtherControllersSurvive(t *testing.T) {
	forEachAttachedKind(t, func(t *testing.T, kind *inputs.Attached, object inputs.Object) {
		foreign := inputs.Entry{Ref: parentRef("a"), ControllerName: "example.org/other", Conditions: []metav1.Condition{live("Accepted", "False", 9)}}
		kind.SetEntries(object, []inputs.Entry{{Ref: parentRef("gone"), ControllerName: inputs.ControllerName}, foreign})

		assert.True(t, Attached(kind, object, reportOf("a", "b"), inputs.ControllerName, now))
		merged := kind.Entries(object)
		require.Len(t, merged, 3)
		assert.Equal(t, foreign, merged[0])
		assert.Equal(t, gatewayv1.ObjectName("a"), merged[1].Ref.Name)
		assert.Equal(t, gatewayv1.ObjectName("b"), merged[2].Ref.Name)
		assert.Equal(t, int64(2), merged[2].Conditions[0].ObservedGeneration)

		assert.False(t, Attached(kind, object, reportOf("a", "b"), inputs.ControllerName, then))
		assert.Equal(t, merged, kind.Entries(object))

		assert.True(t, Attached(kind, object, reportOf("b"), inputs.ControllerName, now))
		assert.Equal(t, []inputs.Entry{foreign, merged[2]}, kind.Entries(object))

		assert.True(t, Attached(kind, object, reportOf(), inputs.ControllerName, now))
		assert.Equal(t, []inputs.Entry{foreign}, kind.Entries(object))
	})
}

func TestAnObjectThatNobodySpokeOfIsNotWritten(t *testing.T) {
	forEachAttachedKind(t, func(t *testing.T, kind *inputs.Attached, object inputs.Object) {
		assert.False(t, Attached(kind, object, reportOf(), inputs.ControllerName, now))
	})
}

// TestEntriesEndAtTheLimit has the limits of the definitions of the Gateway API.
func TestEntriesEndAtTheLimit(t *testing.T) {
	limits := map[string]int{"HTTPRoute": 32, "BackendTLSPolicy": 16, "VarnishCachePolicy": 16}
	for _, kind := range inputs.AttachedKinds() {
		var names []string
		for i := range 50 {
			names = append(names, fmt.Sprintf("g%d", i))
		}
		object := kind.Versions[0].New()
		assert.True(t, Attached(kind.Attached, object, reportOf(names...), inputs.ControllerName, now))
		assert.Len(t, kind.Attached.Entries(object), limits[kind.Name], kind.Name)
	}
}

func asJSON(t *testing.T, value any) string {
	t.Helper()
	data, err := json.Marshal(value)
	require.NoError(t, err)
	return string(data)
}

// TestConditionsOfAGatewayThatAreNotReportedAnyMoreGo, whichever they are: translation reports some of them at times only.
func TestConditionsOfAGatewayThatAreNotReportedAnyMoreGo(t *testing.T) {
	for _, kind := range []string{
		report.ConditionPartiallyInvalid, report.ConditionReplicaFailure, report.ConditionClassMissing, report.ConditionDirectPass,
	} {
		before := gatewayv1.GatewayStatus{Conditions: []metav1.Condition{live(kind, "True", 1)}}
		merged, changed := Gateway(before, gatewayReport(0), now)
		assert.True(t, changed)
		require.Len(t, merged.Conditions, 1, kind)
		assert.Equal(t, "Accepted", merged.Conditions[0].Type)
	}
}
