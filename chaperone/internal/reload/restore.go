package reload

import (
	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/chaperone/internal/merge"
	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// restore begins with the last good configuration of an earlier run: its ghost.json is the candidate, which ghost has
// from the disk, and its routing.json says which certificates and endpoints it needs.
func (c *Controller) restore(good Good) {
	if good.Ghost == nil {
		return
	}
	config, err := ghostconf.Decode(good.Ghost)
	if err != nil {
		c.config.Log.Warn("the last good ghost.json of an earlier run is of no use", zap.Error(err))
		return
	}
	ghost := &merge.Ghost{
		Data: good.Ghost, Sequence: config.Sequence, RoutingSequence: config.RoutingSequence,
		Routes: len(config.Routes), Services: len(config.Services),
	}
	for _, service := range config.Services {
		ghost.Endpoints += len(service.Endpoints)
		c.known[service.ID] = service.Endpoints
	}
	c.live, c.candidate, c.restored = ghost, ghost, config.RoutingSequence
	c.restoreDocument(good.Routing, ghost)
}

// restoreDocument takes the last good routing.json. It is kept before ghost.json: where a crash came in between it is
// the newer of the two, and has been accepted.
func (c *Controller) restoreDocument(data []byte, ghost *merge.Ghost) {
	if data == nil {
		return
	}
	document, err := decode(source.Config{Routing: data})
	if err != nil {
		c.config.Log.Warn("the last good routing.json of an earlier run is of no use", zap.Error(err))
		return
	}
	// It was published in parts, perhaps.
	document.Digest = ""
	if document.Sequence() < ghost.RoutingSequence {
		return
	}
	if document.Sequence() == ghost.RoutingSequence {
		ghost.Document = document
	}
	c.document, c.kept = document, document
}
