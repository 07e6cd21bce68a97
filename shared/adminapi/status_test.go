package adminapi_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/contract"
)

func TestTheVersionOfTheContractParses(t *testing.T) {
	version, err := contract.ParseVersion(adminapi.Version)
	require.NoError(t, err)
	assert.Equal(t, 1, version.Major, "the paths of the calls have the major")
}

// What pods of other versions say, as this reader understands it: the rules of docs/reference/admin-api.md.
func TestAReaderOfAPodOfAnotherVersion(t *testing.T) {
	for name, c := range map[string]struct {
		said string
		want adminapi.Status
	}{
		"1.0 does not say what stands for main.vcl": {
			`{"revision":2,"vcl":{"sequence":0,"active":"builtin-1","error":"no"}}`,
			adminapi.Status{Revision: 2, VCL: adminapi.VCL{Active: "builtin-1", Error: "no"}},
		},
		"a pod that does not tell of its sockets": {`{"ready":true}`, adminapi.Status{Ready: true}},
		"an unknown member is ignored":            {`{"ready":true,"future":[1],"routing":{"future":{}}}`, adminapi.Status{Ready: true}},
		"an unknown value is kept as it stands": {
			`{"vcl":{"fallback":"future"},"varnishd":{"state":"future"}}`,
			adminapi.Status{VCL: adminapi.VCL{Fallback: "future"}, Varnishd: adminapi.Varnishd{State: "future"}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got adminapi.Status
			require.NoError(t, json.Unmarshal([]byte(c.said), &got))
			assert.Equal(t, c.want, got)
		})
	}
}
