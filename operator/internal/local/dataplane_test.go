package local

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/shared/adminapi"
)

func TestAGatewayIsProgrammedWhereEverythingAskedForRuns(t *testing.T) {
	cases := map[string]struct {
		down, seen              string
		status, reason, message string
	}{
		"chaperone is down":                     {"Port 80 is taken.", "", "False", "Pending", "Port 80 is taken."},
		"chaperone has not said anything":       {"", "", "False", "Pending", "The gateway is starting."},
		"it is not ready":                       {"", `{"routing":{"sequence":7},"vcl":{"sequence":3}}`, "False", "Pending", "The gateway is not ready."},
		"it runs older routes":                  {"", `{"ready":true,"routing":{"sequence":6},"vcl":{"sequence":3}}`, "False", "Pending", "The gateway runs routing configuration 6, not yet 7."},
		"it runs older VCL":                     {"", `{"ready":true,"routing":{"sequence":7},"vcl":{"sequence":2}}`, "False", "Pending", "The gateway runs VCL 2, not yet 3."},
		"the VCL does not compile":              {"", `{"ready":true,"routing":{"sequence":7},"vcl":{"sequence":2,"error":"Expected ';'\n('input' Line 3)"}}`, "False", "Invalid", "The VCL does not compile; the last good one serves.\nExpected ';'\n('input' Line 3)"},
		"the routes were refused":               {"", `{"ready":true,"routing":{"sequence":6,"error":"bad"},"vcl":{"sequence":3}}`, "False", "Invalid", "The routing configuration was refused; the last good one serves. bad"},
		"the certificates cannot be read":       {"", `{"ready":true,"routing":{"sequence":7},"vcl":{"sequence":3},"certificates":{"error":"denied"}}`, "False", "Invalid", "The certificates cannot be read. denied"},
		"a certificate cannot be used":          {"", `{"ready":true,"routing":{"sequence":7},"vcl":{"sequence":3},"certificates":{"problems":[{"name":"x","message":"no key"}]}}`, "False", "Invalid", "A certificate cannot be used. no key"},
		"everything runs":                       {"", `{"ready":true,"routing":{"sequence":7},"vcl":{"sequence":3}}`, "True", "Programmed", ""},
		"everything runs, but for one record":   {"", `{"ready":true,"routing":{"sequence":7,"diagnostics":[{"path":"routes[0]","object":"HTTPRoute a/b","message":"odd"}]},"vcl":{"sequence":3}}`, "True", "Programmed", "The data plane runs this configuration, with 1 inert records, such as routes[0] of HTTPRoute a/b: odd"},
		"it runs what an earlier run left here": {"", `{"ready":true,"routing":{"sequence":9},"vcl":{"sequence":3}}`, "True", "Programmed", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var seen *adminapi.Status
			if c.seen != "" {
				seen = &adminapi.Status{}
				require.NoError(t, json.Unmarshal([]byte(c.seen), seen))
			}
			plane := dataPlane(dataplane.Wanted{Routing: numbered(7), VCL: numbered(3)}, c.down, seen)
			assert.Equal(t, c.status, string(plane.Status))
			assert.Equal(t, c.reason, string(plane.Reason))
			assert.Equal(t, c.message, plane.Message)
		})
	}
}

func TestGatewaysShareOneAddressAndSoTheirPorts(t *testing.T) {
	conflicts := portConflicts([]claim{
		{Key{"a", "one"}, []int32{80, 81}},
		{Key{"a", "two"}, []int32{82, 81}},
		{Key{"a", "three"}, []int32{82}},
	})
	assert.Equal(t, map[Key]string{
		{"a", "two"}: "Port 81 is taken by Gateway a/one: without a cluster, Gateways share one address.",
	}, conflicts, "a Gateway that does not run takes no port")
}

// numbered is what is known by its sequence alone.
func numbered(sequence int64) dataplane.Revisions {
	return dataplane.Revisions{Newest: sequence, Since: sequence}
}
