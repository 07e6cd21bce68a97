package local

import (
	"fmt"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// decided tells whether it is known what process a Gateway is to have: with which sockets, arguments and VCL. One that it is
// not known of keeps the process that it has, while its listeners and routes, and what is refused to them, take effect.
func decided(g translate.Gateway) bool { return !g.SettingsUnknown && len(g.Sockets) > 0 }

// configure renders what a Gateway is to run. The sequences continue from the live files.
func configure(g translate.Gateway, live *files) (configuration, dataplane.Wanted, error) {
	routing, err := renderRouting(g, live.routing())
	if err != nil {
		return configuration{}, dataplane.Wanted{}, err
	}
	vcl := live.vcl()
	if decided(g) {
		vcl, _ = render.VCL(g.Model, vcl)
	}
	header, _, err := mainvcl.Parse(vcl)
	if err != nil {
		return configuration{}, dataplane.Wanted{}, fmt.Errorf("reading %s: %w", mainvcl.File, err)
	}
	c := configuration{routing: routing.Head, shards: routing.Shards, vcl: vcl, certificates: g.Certificates}
	return c, dataplane.Wanted{
		Routing: dataplane.Revision(contract.Sequence(routing.Head), routing.Head), VCL: dataplane.Revision(header.Sequence, vcl),
	}, nil
}

func renderRouting(g translate.Gateway, live []byte) (render.RoutingFiles, error) {
	if g.SettingsUnknown {
		return render.RoutingWithLiveSettings(g.Model, live)
	}
	return render.Routing(g.Model, live)
}
