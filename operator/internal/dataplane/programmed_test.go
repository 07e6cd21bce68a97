package dataplane

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/adminapi"
)

// said is a pod that is ready and has said this.
func said(t *testing.T, name, text string) Observation {
	o := Observation{Pod: Pod{Name: name, Ready: true}, Status: &adminapi.Status{}}
	require.NoError(t, json.Unmarshal([]byte(text), o.Status))
	return o
}

func TestProgrammed(t *testing.T) {
	const (
		current = `{"routing":{"sequence":7},"vcl":{"sequence":3}}`
		beyond  = `{"routing":{"sequence":9},"vcl":{"sequence":4}}`
		broken  = `{"routing":{"sequence":7},"vcl":{"sequence":2,"error":"Message from VCC-compiler:\nExpected ';'\n('main.vcl' Line 31 Pos 2)"}}`
	)
	const (
		closed  = `{"routing":{"sequence":7},"vcl":{"sequence":0,"active":"closed-1","error":"no","fallback":"closed","leftOut":[]}}`
		partial = `{"routing":{"sequence":7},"vcl":{"sequence":0,"active":"partial-1","error":"no","fallback":"partial","leftOut":["ConfigMap shop/vcl, key main.vcl"]}}`
	)
	unready := func(o Observation) Observation { o.Ready = false; return o }
	leaving := func(o Observation) Observation { o.Leaving = true; return o }
	silent := Observation{Pod: Pod{Name: "b", Ready: true}}
	for name, c := range map[string]struct {
		pods    []Observation
		status  metav1.ConditionStatus
		reason  gatewayv1.GatewayConditionReason
		message string
	}{
		"no pod":                           {nil, "False", "Pending", "There is no pod"},
		"no pod is ready":                  {[]Observation{unready(said(t, "a", current))}, "False", "Pending", "No pod of the Gateway is ready"},
		"only one that is leaving":         {[]Observation{leaving(said(t, "a", current))}, "False", "Pending", "No pod of the Gateway is ready"},
		"every pod runs it":                {[]Observation{said(t, "a", current), said(t, "b", beyond)}, "True", "Programmed", ""},
		"one has older routing":            {[]Observation{said(t, "a", current), said(t, "b", `{"routing":{"sequence":6},"vcl":{"sequence":3}}`)}, "False", "Pending", "Pod b runs routing configuration 6, not yet 7"},
		"one has older VCL":                {[]Observation{said(t, "a", current), said(t, "b", `{"routing":{"sequence":7},"vcl":{"sequence":2}}`)}, "False", "Pending", "Pod b runs VCL 2, not yet 3"},
		"an older one that is not ready":   {[]Observation{said(t, "a", current), unready(said(t, "b", `{"routing":{"sequence":6}}`))}, "True", "Programmed", ""},
		"one has said nothing":             {[]Observation{said(t, "a", current), silent}, "Unknown", "Pending", "Pod b has not said"},
		"one is silent, another is behind": {[]Observation{silent, said(t, "c", `{"vcl":{"sequence":3}}`)}, "False", "Pending", "Pod c runs routing configuration 0"},
		"VCL that does not compile":        {[]Observation{said(t, "a", broken)}, "False", "Invalid", "The VCL does not compile in pod a; the last good one serves.\nMessage from VCC-compiler:\nExpected ';'\n('main.vcl' Line 31 Pos 2)"},
		"VCL that a starting pod refuses":  {[]Observation{said(t, "a", current), unready(said(t, "b", broken))}, "False", "Invalid", "in pod b; the last good one serves."},
		"VCL that must hold": {
			[]Observation{said(t, "a", broken), unready(said(t, "b", closed))}, "False", "Invalid",
			"The VCL does not compile in pod b: every request there is answered 503, since nothing may be served without it.\nno",
		},
		"no VCL at all": {
			[]Observation{said(t, "a", partial), unready(said(t, "b", `{"vcl":{"sequence":0,"active":"","error":"no memory"}}`))}, "False", "Invalid",
			"The VCL does not compile in pod b, and nothing serves there.\nno memory",
		},
		"VCL that is left out": {
			[]Observation{said(t, "a", broken), said(t, "b", partial)}, "False", "Invalid",
			"The VCL does not compile in pod b: requests there are served without ConfigMap shop/vcl, key main.vcl.\nno",
		},
		"VCL that a pod of an older image leaves out": {
			[]Observation{said(t, "a", `{"vcl":{"sequence":0,"active":"builtin-1","error":"no"}}`)}, "False", "Invalid",
			"The VCL does not compile in pod a: requests there are served without any user's VCL.\nno",
		},
		"VCL that a leaving pod refused":   {[]Observation{said(t, "a", current), leaving(said(t, "b", broken))}, "True", "Programmed", ""},
		"routing that was refused":         {[]Observation{said(t, "a", `{"routing":{"sequence":7,"error":"version 2"},"vcl":{"sequence":3}}`)}, "False", "Invalid", "version 2"},
		"shards that are not there yet":    {[]Observation{said(t, "a", `{"routing":{"sequence":6,"pending":"missing 00"},"vcl":{"sequence":3}}`)}, "False", "Pending", "configuration 6, not yet 7. It waits: missing 00"},
		"a namespace that is not known":    {[]Observation{said(t, "a", `{"routing":{"sequence":7,"pending":"cannot be watched"},"vcl":{"sequence":3}}`)}, "False", "Pending", "not all of it. It waits: cannot be watched"},
		"certificates that cannot be read": {[]Observation{said(t, "a", `{"routing":{"sequence":7},"vcl":{"sequence":3},"certificates":{"error":"no"}}`)}, "False", "Invalid", "certificates cannot be read"},
		"a certificate that is broken":     {[]Observation{said(t, "a", `{"routing":{"sequence":7},"vcl":{"sequence":3},"certificates":{"problems":[{"name":"x","message":"expired"}]}}`)}, "False", "Invalid", "expired"},
		"a process that runs it":           {[]Observation{said(t, "", current)}, "True", "Programmed", ""},
		"a process that is not ready":      {[]Observation{unready(said(t, "", current))}, "False", "Pending", "The gateway is not ready."},
		"a process that is behind":         {[]Observation{said(t, "", `{"routing":{"sequence":6}}`)}, "False", "Pending", "The gateway runs routing configuration 6, not yet 7."},
		"VCL that a process refuses":       {[]Observation{said(t, "", broken)}, "False", "Invalid", "The VCL does not compile; the last good one serves.\nMessage from VCC-compiler:\nExpected ';'\n('main.vcl' Line 31 Pos 2)"},
		"VCL that must hold in a process":  {[]Observation{unready(said(t, "", closed))}, "False", "Invalid", "The VCL does not compile: every request is answered 503, since nothing may be served without it.\nno"},
		"records that are inert": {
			[]Observation{said(t, "a", `{"routing":{"sequence":7,"diagnostics":[{"path":"routes[0]","object":"HTTPRoute a/b","message":"odd"}]},"vcl":{"sequence":3}}`)},
			"True", "Programmed", "1 inert records, such as routes[0] of HTTPRoute a/b: odd",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Programmed(Wanted{Routing: numbered(7), VCL: numbered(3)}, c.pods)
			assert.Equal(t, c.status, got.Status)
			assert.Equal(t, c.reason, got.Reason)
			assert.Contains(t, got.Message, c.message)
		})
	}
}

func TestVCLThatIsNotPublishedKeepsAGatewayFromBeingProgrammed(t *testing.T) {
	current := said(t, "a", `{"routing":{"sequence":7},"vcl":{"sequence":3}}`)
	starting := Observation{Pod: Pod{Name: "b", IP: "192.0.2.1"}}
	for name, c := range map[string]struct {
		check   Check
		pods    []Observation
		status  metav1.ConditionStatus
		reason  gatewayv1.GatewayConditionReason
		message string
	}{
		"it does not compile": {
			Check{State: Refused, Message: "Message from VCC-compiler:\nExpected ';'\n('main.vcl' Line 31 Pos 2)"}, []Observation{current}, "False", "Invalid",
			"The VCL does not compile; the last good one serves.\nMessage from VCC-compiler:\nExpected ';'\n('main.vcl' Line 31 Pos 2)",
		},
		"it does not compile, as little as what is published": {
			Check{State: Refused, Message: "newer"}, []Observation{said(t, "a", `{"vcl":{"error":"older","fallback":"closed"}}`)}, "False", "Invalid",
			"The VCL does not compile in pod a: every request there is answered 503, since nothing may be served without it.\nnewer",
		},
		"it does not compile, and the compiler quotes a long line": {
			Check{State: Refused, Message: strings.Repeat("ü", maxCompilerMessage)}, nil, "False", "Invalid", strings.Repeat("ü", maxCompilerMessage/2) + " ...",
		},
		"it does not compile, and pods are gone since": {Check{State: Refused, Message: "no"}, nil, "False", "Invalid", "does not compile"},
		"it takes too long to compile": {
			Check{State: TimedOut, Message: "too long"}, []Observation{current}, "False", "Invalid",
			"The VCL is not published, since a pod could not compile it within 5m0s; the last good one serves.",
		},
		"it takes too long to compile, where nothing serves": {
			Check{State: TimedOut, Message: "too long"}, []Observation{said(t, "a", `{"vcl":{"error":"older","fallback":"closed"}}`)}, "False", "Invalid",
			"every request there is answered 503, since nothing may be served without it.\ntoo long",
		},
		"it is being checked":            {Check{State: Checking}, []Observation{current}, "Unknown", "Pending", "is checking"},
		"a pod that starts may check it": {Check{State: Unheard}, []Observation{starting}, "Unknown", "Pending", "no pod answers"},
		"there is no pod to check it":    {Check{State: Unheard}, nil, "False", "Pending", "no pod answers"},
		"a pod has refused what is published": {
			Check{State: Checking}, []Observation{said(t, "a", `{"routing":{"sequence":7,"error":"version 2"}}`)}, "False", "Invalid", "version 2",
		},
	} {
		t.Run(name, func(t *testing.T) {
			got := Programmed(Wanted{Routing: numbered(7), VCL: numbered(3), Check: c.check}, c.pods)
			assert.Equal(t, c.status, got.Status)
			assert.Equal(t, c.reason, got.Reason)
			assert.Contains(t, got.Message, c.message)
		})
	}
}

func TestANamespaceThatIsKeptFromThePodsKeepsNoGatewayFromBeingProgrammed(t *testing.T) {
	waits := said(t, "a", `{"routing":{"sequence":7,"pending":"EndpointSlices of backends cannot be watched"},"vcl":{"sequence":3}}`)
	behind := said(t, "a", `{"routing":{"sequence":6,"pending":"EndpointSlices of backends cannot be watched"},"vcl":{"sequence":3}}`)
	assert.Equal(t, metav1.ConditionFalse, Programmed(Wanted{Routing: numbered(7), VCL: numbered(3)}, []Observation{waits}).Status)
	assert.Equal(t, metav1.ConditionTrue, Programmed(Wanted{Routing: numbered(7), VCL: numbered(3), Unreachable: true}, []Observation{waits}).Status)
	assert.Equal(t, metav1.ConditionFalse, Programmed(Wanted{Routing: numbered(7), VCL: numbered(3), Unreachable: true}, []Observation{behind}).Status)
}

// numbered is what is known by its sequence alone.
func numbered(sequence int64) Revisions {
	return Revisions{Newest: sequence, Since: sequence}
}
