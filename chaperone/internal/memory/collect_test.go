package memory

import (
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

func TestASmallHeapIsCollectedSeldom(t *testing.T) {
	for name, c := range map[string]struct {
		live uint64
		want int
	}{
		"before the first collection":                    {0, 400},
		"so little that Go's own least heap decides":     {1 << 20, 400},
		"a quarter of the least garbage":                 {4 << 20, 400},
		"half of it":                                     {8 << 20, 200},
		"the percentage is rounded down":                 {9 << 20, 150},
		"as much":                                        {16 << 20, 100},
		"twice as much, from where on the share decides": {32 << 20, 50},
		"much more":                                      {4 << 30, 50},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, percentFor(c.live)) })
	}
}

func TestThePercentageFollowsTheHeap(t *testing.T) {
	CollectSparingly()
	becomes := func(want uint64, when string) {
		assert.Eventually(t, func() bool {
			runtime.GC()
			sample := []metrics.Sample{{Name: "/gc/gogc:percent"}}
			metrics.Read(sample)
			return sample[0].Value.Uint64() == want
		}, 10*time.Second, time.Millisecond, when)
	}
	becomes(maxPercent, "with a small heap")
	kept := make([]byte, 4*minGarbage)
	becomes(gcPercent, "with a large heap")
	runtime.KeepAlive(kept)
	becomes(maxPercent, "with a small heap again")
}
