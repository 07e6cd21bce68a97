package render

import (
	_ "embed"

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
	sources := make([]mainvcl.Source, 0, len(gateway.VCL))
	for _, user := range gateway.VCL {
		mode := mainvcl.FailOpen
		if user.FailClosed {
			mode = mainvcl.FailClosed
		}
		sources = append(sources, mainvcl.Source{Name: user.Source, Text: user.Text, FailureMode: mode})
	}
	return mainvcl.Stamp(live, mainvcl.Compose(preamble, sources, postamble, gateway.PassDoor))
}
