package reload

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// runsContent waits until the status tells of this routing.json, by its content.
func (b *bench) runsContent(data []byte) {
	b.t.Helper()
	b.eventually("status tells the content", func(r adminapi.Routing) bool { return r.Digest == contract.Digest(data) })
}

func TestStatusTellsTheContentOfRouting(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	b.child()
	b.routing(1)
	b.runsContent(routingOf(t, 1))
	b.inputs.Take(source.Update{Config: &source.Config{Routing: routingOf(t, 1, "other")}})
	b.runsContent(routingOf(t, 1, "other"))
	b.inputs.Take(source.Update{Config: &source.Config{Routing: []byte(`{"version":`)}})
	b.eventually("the refusal is told", func(r adminapi.Routing) bool { return r.Error != "" })
	assert.Equal(t, contract.Digest(routingOf(t, 1, "other")), b.board.Get().Routing.Digest, "of what runs, not of what is refused")

	b.controller.Down()
	b.eventually("nothing runs", func(r adminapi.Routing) bool { return r.Sequence == 0 && r.Digest == "" })
	b.child()
	b.runsContent(routingOf(t, 1, "other"))
}

// ghost.json has nothing of certificates: that of a routing.json which differs in these alone is the same.
func TestTheContentIsToldWhereGhostHasNothingNewToTake(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.inputs.Take(source.Update{Synced: []string{source.EveryNamespace}})
	b.child()
	b.routing(1)
	b.runsContent(routingOf(t, 1))
	config, err := routing.Decode(routingOf(t, 1))
	require.NoError(t, err)
	config.Listeners[0].Certificates = []string{"other"}
	data, err := routing.Encode(config)
	require.NoError(t, err)
	b.inputs.Take(source.Update{Config: &source.Config{Routing: data}})
	b.runsContent(data)
}

func TestTheContentOfAnEarlierRunIsToldOnceItIsKnown(t *testing.T) {
	b := restarted(t)
	b.eventually("it is in effect", func(r adminapi.Routing) bool { return r.Sequence == 5 })
	assert.Empty(t, b.board.Get().Routing.Digest, "it may have been published with shards")
	b.inputs.Take(source.Update{Config: &source.Config{Routing: routingOf(t, 5), MayLag: true}})
	b.runsContent(routingOf(t, 5))
}
