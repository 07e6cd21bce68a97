package reload

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/source"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// shardedOf is routing.json with one shard, and that shard.
func shardedOf(t *testing.T, sequence int64, key string) (head, shard []byte) {
	t.Helper()
	shard = []byte(fmt.Sprintf(`{"version":%q,"shard":"00","services":[{"id":%q,"namespace":"shop","name":"web","port":80}],"routes":[]}`, routing.Version, key))
	head = []byte(fmt.Sprintf(`{"version":%q,"sequence":%d,"gateway":{"namespace":"shop","name":"edge"},"listeners":[],"shards":[{"name":"00","digest":%q}]}`,
		routing.Version, sequence, routing.Digest(shard)))
	return head, shard
}

// The operator writes shards before the head that names them (docs/reference/routing.md).
func TestAShardThatComesBeforeItsHeadIsNoNews(t *testing.T) {
	b := newBench(t, t.TempDir())
	b.child()
	set := func(head, shard []byte) {
		b.inputs.Take(source.Update{Config: &source.Config{Routing: head, Shards: map[string][]byte{"00": shard}}})
	}
	firstHead, firstShard := shardedOf(t, 1, "a")
	secondHead, secondShard := shardedOf(t, 2, "b")
	set(firstHead, firstShard)
	b.eventually("the first to run", func(r adminapi.Routing) bool { return r.Sequence == 1 })
	require.Empty(t, b.board.Get().Routing.Pending)

	before := b.board.Get().Revision
	set(firstHead, secondShard)
	b.inputs.Take(source.Update{Reports: map[string]string{"probe": "seen"}})
	b.eventually("the shard to be seen", func(r adminapi.Routing) bool { return r.Pending != "" })
	now := b.board.Get()
	assert.Equal(t, "probe: seen", now.Routing.Pending, "nothing is told of the shard")
	assert.Equal(t, before+1, now.Revision, "nor is anything else")
	b.inputs.Take(source.Update{Reports: map[string]string{"probe": ""}})

	set(secondHead, secondShard)
	b.eventually("the second to run", func(r adminapi.Routing) bool { return r.Sequence == 2 && r.Pending == "" })

	set(firstHead, secondShard)
	b.eventually("a head that came back without its shard to be told", func(r adminapi.Routing) bool { return r.Pending != "" })
	assert.EqualValues(t, 2, b.board.Get().Routing.Sequence, "what is whole runs on")
}
