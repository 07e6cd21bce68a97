package local

import (
	"github.com/varnish-gateway/gateway/operator/internal/render"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// configure renders what a Gateway is to run. The sequences continue from the live files.
func configure(g translate.Gateway, live *files) (configuration, wanted, error) {
	routing, err := render.Routing(g.Model, live.routing())
	if err != nil {
		return configuration{}, wanted{}, err
	}
	vcl, _ := render.VCL(g.Model, live.vcl())
	header, _, err := mainvcl.Parse(vcl)
	if err != nil {
		return configuration{}, wanted{}, err
	}
	c := configuration{routing: routing.Head, shards: routing.Shards, vcl: vcl, certificates: g.Certificates}
	return c, wanted{routing: contract.Sequence(routing.Head), vcl: header.Sequence}, nil
}
