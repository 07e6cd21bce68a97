package routing_test

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
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
	for i := range 40 {
		content.Routes[0].Rules[0].Filters = append(content.Routes[0].Rules[0].Filters, routing.Filter{
			Type: routing.FilterRequestHeaderModifier,
			RequestHeaderModifier: &routing.HeaderModifier{
				Set: []routing.Header{{Name: fmt.Sprintf("x-%d", i), Value: string(bytes.Repeat([]byte("v"), 32<<10))}},
			},
		})
	}
	_, _, err := routing.Split(content, routing.PlainLimit)
	var tooLarge *routing.TooLargeError
	require.ErrorAs(t, err, &tooLarge)
	assert.Equal(t, routing.ShardOf(content.Routes[0].Key()), tooLarge.Shard)
	assert.Equal(t, routing.ShardLimit, tooLarge.Limit)
	assert.Greater(t, tooLarge.Size, tooLarge.Limit)
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
