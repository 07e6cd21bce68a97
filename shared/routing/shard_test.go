package routing_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// always is a limit that every configuration exceeds.
const always = 1

func TestASmallConfigurationStaysPlain(t *testing.T) {
	content := configOf(100)
	head, shards, err := routing.Split(content, routing.PlainLimit)
	require.NoError(t, err)
	assert.Empty(t, shards)
	assert.Equal(t, content, head)
}

func TestALargeConfigurationIsSplitAndJoined(t *testing.T) {
	content := configOf(3000)
	content.Sequence = 7
	head, shards, err := routing.Split(content, routing.PlainLimit)
	require.NoError(t, err)
	assert.Len(t, shards, routing.ShardCount)
	assert.Empty(t, head.Routes)
	assert.Empty(t, head.Services)
	assert.Empty(t, routing.Validate(head, nil))

	headData, _, err := routing.Next(nil, head)
	require.NoError(t, err)
	assert.Less(t, len(headData), 8<<10, "the head is small")
	decoded, err := routing.Decode(headData)
	require.NoError(t, err)
	whole, err := routing.Join(decoded, shards)
	require.NoError(t, err)
	assert.Empty(t, routing.Validate(whole, nil))
	assertSameContent(t, content, whole)
}

func assertSameContent(t require.TestingT, want, got routing.Config) {
	want.Sequence, got.Sequence = 0, 0
	a, err := routing.Encode(want)
	require.NoError(t, err)
	b, err := routing.Encode(got)
	require.NoError(t, err)
	if !bytes.Equal(a, b) {
		require.Equal(t, want, got)
	}
}

func TestAChangeOfOneRouteChangesOneShard(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		content := configOf(rapid.IntRange(1, 80).Draw(t, "routes"))
		beforeHead, before, err := routing.Split(content, always)
		require.NoError(t, err)

		changed := rapid.IntRange(0, len(content.Routes)-1).Draw(t, "changed")
		key := content.Routes[changed].Key()
		if rapid.Bool().Draw(t, "removed") {
			content.Routes = slices.Delete(content.Routes, changed, changed+1)
		} else {
			content.Routes[changed] = routeOf(changed)
			content.Routes[changed].Rules = content.Routes[changed].Rules[1:]
		}
		afterHead, after, err := routing.Split(content, always)
		require.NoError(t, err)

		for _, name := range routing.ShardNames() {
			same := bytes.Equal(before[name], after[name])
			require.Equal(t, name != routing.ShardOf(key), same, "shard %s", name)
		}
		require.NotEqual(t, beforeHead.Shards, afterHead.Shards)
	})
}

func TestJoiningNamesWhatIsIncomplete(t *testing.T) {
	head, shards, err := routing.Split(configOf(500), always)
	require.NoError(t, err)
	newer := maps.Clone(shards)
	delete(newer, "03")
	delete(newer, "30")
	newer["07"] = append(slices.Clone(newer["07"]), ' ')

	_, err = routing.Join(head, newer)
	var incomplete *routing.IncompleteError
	require.ErrorAs(t, err, &incomplete)
	assert.Equal(t, []string{"03", "30"}, incomplete.Missing)
	assert.Equal(t, []string{"07"}, incomplete.Different)
	assert.EqualError(t, err, "shards of routing.json are incomplete: missing 03, 30; not as the digest says 07")
}

func TestJoiningIgnoresShardsThatTheHeadDoesNotName(t *testing.T) {
	content := configOf(3)
	head, shards, err := routing.Split(content, always)
	require.NoError(t, err)
	for _, name := range routing.ShardNames() {
		if _, named := shards[name]; !named {
			shards[name] = []byte("left over, and not even JSON")
		}
	}
	whole, err := routing.Join(head, shards)
	require.NoError(t, err)
	assertSameContent(t, content, whole)
}

func TestJoiningAPlainConfigurationGivesIt(t *testing.T) {
	content := configOf(3)
	whole, err := routing.Join(content, nil)
	require.NoError(t, err)
	assertSameContent(t, content, whole)
}

func TestAShardOfAHigherMajorIsRefused(t *testing.T) {
	_, err := routing.DecodeShard([]byte(`{"version":"2.0.0"}`))
	var major *contract.MajorError
	assert.ErrorAs(t, err, &major)
}

func TestTwentyThousandRoutesFitTheShards(t *testing.T) {
	_, shards, err := routing.Split(configOf(20_000), routing.PlainLimit)
	require.NoError(t, err)
	total, largest := 0, 0
	for _, data := range shards {
		total, largest = total+len(data), max(largest, len(data))
	}
	t.Logf("20,000 routes: %d bytes in all, %d in the largest shard", total, largest)
	assert.Less(t, largest, routing.ShardLimit*9/10, "with room to spare")
}

func TestWhatDoesNotFitTheShardsIsAnError(t *testing.T) {
	content := configOf(1)
	content.Routes[0] = routeOfSize(t, "default", "large", routing.ShardLimit)
	_, _, err := routing.Split(content, routing.PlainLimit)
	var tooLarge *routing.TooLargeError
	require.ErrorAs(t, err, &tooLarge)
	assert.Equal(t, &routing.TooLargeError{Record: "default/large", Size: routing.ShardLimit, Limit: routing.ShardLimit}, tooLarge)
}

// routeOfSize is a route that counts as so many bytes.
func routeOfSize(t require.TestingT, namespace, name string, size int) routing.Route {
	route := routing.Route{Namespace: namespace, Name: name, UID: "u", Rules: []routing.Rule{{ID: "r", Invalid: "x"}}}
	least, err := routing.RecordSize(route)
	require.NoError(t, err)
	route.Rules[0].Invalid = strings.Repeat("x", size-least+1)
	got, err := routing.RecordSize(route)
	require.NoError(t, err)
	require.Equal(t, size, got)
	return route
}

// namesIn are names of routes of a namespace that fall to one shard.
func namesIn(namespace, shard string, count int) []string {
	var names []string
	for i := 0; len(names) < count; i++ {
		name := fmt.Sprintf("route-%d", i)
		if routing.ShardOf(namespace+"/"+name) == shard {
			names = append(names, name)
		}
	}
	return names
}

func TestRoutesThatShareAShardAreSpreadWhereItIsFull(t *testing.T) {
	content := configOf(500)
	before, small, err := routing.Split(content, always)
	require.NoError(t, err)
	for _, name := range namesIn("crowd", "05", 20) {
		content.Routes = append(content.Routes, routeOfSize(t, "crowd", name, 200<<10))
	}
	head, shards, err := routing.Split(content, routing.PlainLimit)
	require.NoError(t, err)
	for name, data := range shards {
		assert.LessOrEqual(t, len(data), routing.ShardLimit, "shard %s", name)
	}
	whole, err := routing.Join(head, shards)
	require.NoError(t, err)
	assertSameContent(t, content, whole)
	// 20 routes of 200 KiB fill 5 shards; the others are those that they were.
	changed := 0
	for _, ref := range before.Shards {
		if !bytes.Equal(small[ref.Name], shards[ref.Name]) {
			changed++
		}
	}
	assert.Equal(t, 5, changed)
}

// Within the limits of a route and of all routes, every set of routes can be published: the worst is when all fall to one
// shard, in any order and of any sizes.
func TestWhatIsWithinTheLimitsCanAlwaysBePublished(t *testing.T) {
	names := namesIn("crowd", "31", 400)
	for _, seed := range []uint64{0, 4, 8} {
		random := rand.New(rand.NewPCG(seed, 0))
		content, total := configOf(0), 0
		for _, name := range names {
			size := routing.RouteLimit
			if random.Uint64N(8) < seed {
				size = 300 + random.IntN(routing.RouteLimit-300)
			}
			if total += size; total > routing.TotalLimit {
				break
			}
			content.Routes = append(content.Routes, routeOfSize(t, "crowd", name, size))
		}
		_, shards, err := routing.Split(content, routing.PlainLimit)
		require.NoError(t, err)
		for name, data := range shards {
			require.LessOrEqual(t, len(data), routing.ShardLimit, "shard %s", name)
		}
	}
}

// The shard of a name is part of the contract: with another one, an upgrade would move every route.
func TestTheShardOfANameNeverChanges(t *testing.T) {
	for key, want := range map[string]string{
		"default/web":      "02",
		"default/web:80":   "23",
		"team-a/route-1":   "02",
		"":                 "03",
		"kube-system/ünic": "07",
	} {
		assert.Equal(t, want, routing.ShardOf(key), "%q", key)
	}
	assert.Equal(t, "00", routing.ShardNames()[0])
	assert.Equal(t, "31", routing.ShardNames()[31])
}

func TestRoutesSpreadEvenly(t *testing.T) {
	counts := map[string]int{}
	for i := range 32_000 {
		counts[routing.ShardOf(fmt.Sprintf("team-%d/route-%d", i%7, i))]++
	}
	assert.Len(t, counts, routing.ShardCount)
	for name, count := range counts {
		assert.InDelta(t, 1000, count, 150, "shard %s", name)
	}
}
