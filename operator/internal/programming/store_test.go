package programming

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"
	"k8s.io/apimachinery/pkg/types"

	"github.com/varnish-gateway/gateway/operator/internal/dataplane"
)

func newStore(t *testing.T) *Store { return NewStore(t.Context(), Options{Log: zap.NewNop()}) }

func TestAGatewayIsKnownByItsUID(t *testing.T) {
	s := newStore(t)
	first := s.Gateway(gateway, "1")
	first.SetShard("00", ShardVersion{ResourceVersion: "7", Digest: "d"})
	assert.Same(t, first, s.Gateway(gateway, "1"))
	second := s.Gateway(gateway, "2")
	assert.NotSame(t, first, second)
	assert.Zero(t, second.Shard("00"), "one that was made anew has nothing of the one before")
	assert.Error(t, first.ctx.Err(), "whatever was followed for the one before has ended")
	s.Forget(gateway)
	assert.Error(t, second.ctx.Err())
	assert.NotSame(t, second, s.Gateway(gateway, "2"))
}

func TestPodsMustHaveTheListenersAndSoonTheNewestRoutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		changed := 0
		g := NewStore(t.Context(), Options{Log: zap.NewNop(), Changed: func(types.NamespacedName) { changed++ }}).Gateway(gateway, "1")
		a, b := []byte("a"), []byte("b")
		published := func(since, newest int64, contents ...string) Routing {
			return Routing{State: RoutingPublished, Revisions: dataplane.Revisions{Contents: contents, Newest: newest, Since: since}}
		}
		assert.Equal(t, Routing{State: RoutingUnknown}, g.Routing(a))

		assert.True(t, g.PublishedRouting(a, 4, "four"), "the first word is news")
		assert.False(t, g.PublishedRouting(a, 4, "four"), "the same is none")
		assert.True(t, g.PublishedRouting(a, 5, "five"))
		assert.Equal(t, published(4, 5, "four", "five"), g.Routing(a), "pods may have the routes before for a while")
		time.Sleep(SettleWithin / 2)
		assert.True(t, g.PublishedRouting(a, 6, "six"))
		assert.Equal(t, published(4, 6, "four", "five", "six"), g.Routing(a))
		time.Sleep(SettleWithin / 2)
		synctest.Wait()
		assert.Equal(t, 1, changed, "pods that have not taken what came first are to be told of now")
		assert.Equal(t, published(4, 6, "five", "six"), g.Routing(a))
		time.Sleep(SettleWithin)
		assert.Equal(t, published(4, 6, "six"), g.Routing(a))

		assert.Equal(t, Routing{State: RoutingPending}, g.Routing(b), "listeners that are wanted and not written yet")
		assert.True(t, g.PublishedRouting(b, 7, "seven"))
		assert.Equal(t, published(7, 7, "seven"), g.Routing(b), "those before have other listeners")

		assert.True(t, g.PublishedRouting(b, 1, "one"), "a ConfigMap that was made anew counts from the beginning")
		assert.Equal(t, published(1, 1, "one"), g.Routing(b))
	})
}

func TestRoutingThatCannotBePublishedIsKnown(t *testing.T) {
	g, tooLarge := newStore(t).Gateway(gateway, "1"), errors.New("too large")
	assert.True(t, g.FailedRouting(tooLarge), "the first word is news")
	assert.Equal(t, Routing{State: RoutingFailed, Failure: tooLarge}, g.Routing([]byte("a")))
	assert.True(t, g.PublishedRouting([]byte("a"), 4, "four"))
	assert.True(t, g.FailedRouting(tooLarge))
	assert.False(t, g.FailedRouting(errors.New("too large")), "the same failure is none")
	assert.True(t, g.FailedRouting(errors.New("quota")))
	assert.True(t, g.PublishedRouting([]byte("a"), 4, "four"), "that it is well again is news")
	assert.Equal(t, Routing{
		State: RoutingPublished, Revisions: dataplane.Revisions{Contents: []string{"four"}, Newest: 4, Since: 4},
	}, g.Routing([]byte("a")))
}

func TestAConditionStandsAsLongAsItsFactsDo(t *testing.T) {
	first, second := dataplane.Wanted{Routing: numbered(3), VCL: numbered(1)}, dataplane.Wanted{Routing: numbered(3), VCL: numbered(2)}
	checked := dataplane.Wanted{Routing: numbered(3), VCL: numbered(1), Check: dataplane.Check{State: dataplane.Checking}}
	g := newStore(t).Gateway(gateway, "1")
	require.True(t, g.Stands(first, true), "after a restart nothing is known that speaks against it")
	require.False(t, g.Stands(checked, true), "after a restart, VCL that has changed")
	require.True(t, g.Stands(checked, false))
	g.Reported(first)
	assert.True(t, g.Stands(first, true))
	assert.False(t, g.Stands(second, true), "pods are to run something else")
	assert.False(t, g.Stands(first, false), "what was wrong may be right by now")
	g.Revised()
	assert.False(t, g.Stands(first, true))
}

// numbered is what is known by its sequence alone.
func numbered(sequence int64) dataplane.Revisions {
	return dataplane.Revisions{Newest: sequence, Since: sequence}
}
