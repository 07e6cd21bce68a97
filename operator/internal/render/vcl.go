package render

import (
	_ "embed"
	"strings"

	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// What surrounds the user's VCL, by docs/reference/vcl-contract.md.
var (
	//go:embed preamble.vcl
	preamble string
	//go:embed postamble.vcl
	postamble string
)

// VCL writes a Gateway's main.vcl: the preamble routes the request, the user's VCL has its turn, and the
// postamble passes whatever it left undecided. Live is the content that is published now, or nil; its
// sequence is continued. The second result tells whether the content differs from the live one.
func VCL(gateway *model.Gateway, live []byte) ([]byte, bool) {
	var body strings.Builder
	body.WriteString(preamble)
	for _, user := range gateway.VCL {
		// The source is a comment up to the end of its line: a line break in it would end the comment.
		body.WriteString("\n// From " + strings.Join(strings.Fields(user.Source), " ") + "\n")
		body.WriteString(user.Text)
		if !strings.HasSuffix(user.Text, "\n") {
			body.WriteByte('\n')
		}
	}
	body.WriteString("\n" + postamble)
	return mainvcl.Stamp(live, []byte(body.String()))
}
