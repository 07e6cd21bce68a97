package check_test

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/internal/check"
)

func TestAPathReadsLikeTheFile(t *testing.T) {
	var root *check.Path
	assert.Equal(t, "", root.String())
	assert.Equal(t, "sequence", root.Field("sequence").String())
	assert.Equal(t, "routes[3].rules[0].matches[1].path.value",
		root.At("routes", 3).At("rules", 0).At("matches", 1).Field("path").Field("value").String())
}

func TestAReportNamesPathObjectAndMessage(t *testing.T) {
	var root *check.Path
	report := check.Report{Object: "HTTPRoute a/b"}
	report.Add(root.At("routes", 0).Field("uid"), "it is %q", "x")
	assert.Equal(t, []contract.Diagnostic{{Path: "routes[0].uid", Object: "HTTPRoute a/b", Message: `it is "x"`}}, report.Diagnostics)
}
