package purge

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"sigs.k8s.io/yaml"

	"github.com/varnish-gateway/gateway/test/peers/openloop"
)

var update = flag.Bool("update", false, "write the golden file anew")

func TestTargetsHaveNoObjectInCommonAndLeaveSome(t *testing.T) {
	p, err := makePlan(1_000_000, []int{10, 10_000, 100_000}, 3)
	require.NoError(t, err)
	require.Len(t, p.targets, 9)
	taken := make([]bool, p.objects)
	for i, target := range p.targets {
		assert.Equal(t, p.sizes[i%3], target.size, "rounds have each size once")
		for object := target.first; object < target.first+target.size; object++ {
			require.False(t, taken[object])
			require.True(t, target.has(object))
			taken[object] = true
		}
		assert.Equal(t, target.tag(), tag(target.size, target.first+target.size-1), "all have its tag")
		assert.NotEqual(t, target.tag(), tag(target.size, target.first+target.size), "and no other one")
		assert.Less(t, target.first+target.size-1, p.rest)
	}
	assert.Less(t, p.rest, p.objects)
}

func TestAPlanThatIsNoneIsAnError(t *testing.T) {
	for sentence, c := range map[string]struct {
		objects, rounds int
		sizes           []int
		problem         string
	}{
		"too few objects":    {30, 3, []int{10}, "30 objects are too few: 30 are purged, and some must be left"},
		"a tag of none":      {30, 1, []int{0}, "a tag cannot have 0 objects"},
		"no rounds":          {30, 0, []int{10}, "there must be a round, and sizes that differ"},
		"one size two times": {90, 1, []int{10, 10}, "there must be a round, and sizes that differ"},
	} {
		_, err := makePlan(c.objects, c.sizes, c.rounds)
		assert.EqualError(t, err, c.problem, sentence)
	}
}

func TestHalfOfTheRequestsAreForTheTarget(t *testing.T) {
	p, err := makePlan(1000, []int{10, 100}, 1)
	require.NoError(t, err)
	random := rand.New(rand.NewPCG(1, 2))
	asked := map[int]int{}
	for number := range 40 {
		object := p.asked(p.targets[0], number, random)
		asked[object]++
		if number%2 == 1 {
			assert.GreaterOrEqual(t, object, p.rest)
		}
	}
	for object := p.targets[0].first; object < p.targets[0].first+10; object++ {
		assert.Equal(t, 2, asked[object])
	}
}

func TestWhatClientsGotIsJudged(t *testing.T) {
	ordered := time.Unix(1000, 0)
	at := func(ms int) time.Time { return ordered.Add(time.Duration(ms) * time.Millisecond) }
	exchange := func(number, made, sent, came int) openloop.Exchange {
		return openloop.Exchange{Number: number, Sent: at(sent), Came: at(came), Latency: at(came).Sub(at(sent)),
			Answer: append([]byte("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n"), body(at(made))...)}
	}
	// Requests 0 and 1 are for purged objects, request 2 is for another one.
	judge := func(exchanges ...openloop.Exchange) (Purge, error) {
		w := &watch{target: target{first: 10, size: 10}, object: []int{10, 11, 99}}
		for _, e := range exchanges {
			w.answered(e)
		}
		return w.verdict(ordered, at(20))
	}
	p, err := judge(exchange(0, -500, -10, -9), exchange(0, -500, 1, 5), exchange(1, -500, 2, 8), exchange(0, 9, 8, 12), exchange(0, 9, 21, 22),
		exchange(2, -500, 30, 31))
	require.NoError(t, err)
	assert.Equal(t, Purge{
		LastStale: 8, Stale: 2, Call: 20, Fetched: 1,
		Before: Latencies{P50: 1, P99: 1, P999: 1, Most: 1}, During: Latencies{P50: 4, P99: 6, P999: 6, Most: 6},
	}, p)
	p, err = judge(exchange(1, -500, 19, 25))
	require.NoError(t, err, "it was sent before the order was answered")
	assert.EqualValues(t, 25, p.LastStale)
	_, err = judge(exchange(1, -500, 21, 22))
	assert.EqualError(t, err, "object 11 was stale 1ms after the purge was done")
	_, err = judge(exchange(2, 5, 4, 6))
	assert.EqualError(t, err, "object 99 was not purged, and was fetched anew")
	_, err = judge(openloop.Exchange{Answer: []byte("HTTP/1.1 200 OK\r\n\r\n<html>")})
	assert.ErrorContains(t, err, "an answer is not the origin's")
}

func TestTheManifestsAreYAML(t *testing.T) {
	text, err := manifest(8080, netip.MustParseAddrPort("127.0.0.1:8081"), 1_000_000)
	require.NoError(t, err)
	assert.Contains(t, string(text), "size: 4096000000")
	for document := range strings.SplitSeq(string(text), "\n---\n") {
		var value map[string]any
		require.NoError(t, yaml.Unmarshal([]byte(document), &value))
		assert.NotEmpty(t, value["kind"])
	}
}

// The text is that of proc_meminfo(5).
func TestFreeMemoryIsRead(t *testing.T) {
	free, err := available("MemTotal:       24000000 kB\nMemFree:          100000 kB\nMemAvailable:   12000000 kB\n")
	require.NoError(t, err)
	assert.EqualValues(t, 12_000_000*1024, free)
	_, err = available("MemTotal: 1 kB\n")
	assert.Error(t, err)
}

func TestTheTableHasMediansBySize(t *testing.T) {
	r := &Results{Objects: 1000, Tags: 2, Rate: 5000, FillSeconds: 12, BytesEach: 2500, Date: time.Unix(0, 0)}
	for i, last := range []float64{30, 10, 20, 400} {
		size := 10
		if i == 3 {
			size = 100
		}
		r.Purges = append(r.Purges, Purge{Objects: size, LastStale: last, Stale: 5, Call: last + 1, Fetched: size,
			Before: Latencies{0.1, 0.2, 0.3, 0.4}, During: Latencies{1, 2, 3, 4}})
	}
	golden := filepath.Join("testdata", "table.md")
	if *update {
		require.NoError(t, os.MkdirAll("testdata", 0o755))
		require.NoError(t, os.WriteFile(golden, []byte(r.table()), 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), r.table())
	assert.Contains(t, r.table(), "| 10 | 3 | 20.0 | 10.0 to 30.0 | 21.0 | 5 | 10 | 0 |")
}

// `build/bin/bench-purge -write-page` writes the page anew.
func TestThePageHasTheTableOfTheResults(t *testing.T) {
	results, err := Read("../../docs/benchmarks-purge.json")
	require.NoError(t, err)
	want, err := os.ReadFile("../../docs/benchmarks-cache.md")
	require.NoError(t, err)
	page := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(page, want, 0o600))
	require.NoError(t, WritePage(page, results))
	got, err := os.ReadFile(page)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

func TestResultsAreReadAsTheyWereWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.json")
	none, err := Read(path)
	require.NoError(t, err)
	assert.Nil(t, none)
	written := &Results{Objects: 5, Purges: []Purge{{Objects: 1, LastStale: 2.5}}}
	require.NoError(t, written.Write(path))
	read, err := Read(path)
	require.NoError(t, err)
	assert.Equal(t, written, read)
	require.NoError(t, os.WriteFile(path, []byte("{"), 0o600))
	_, err = Read(path)
	assert.ErrorContains(t, err, path)
}

func TestTheOriginGivesTimeAndTags(t *testing.T) {
	o, err := startOrigin([]int{10, 100})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, o.stop()) })
	result, err := openloop.Run(t.Context(), openloop.Config{
		Address: o.address, Connections: 1, Rate: 100, Duration: 15 * time.Millisecond, Patience: time.Minute,
		Request: []byte("GET /123 HTTP/1.1\r\nHost: a.example\r\n\r\n"),
		Answered: func(e openloop.Exchange) {
			assert.Contains(t, string(e.Answer), fmt.Sprintf("Surrogate-Key: %s %s\r\n", tag(10, 123), tag(100, 123)))
			made, err := parseBody(e.Answer)
			assert.NoError(t, err)
			assert.False(t, made.Before(e.Sent.Truncate(0)))
		},
	})
	require.NoError(t, err)
	assert.Zero(t, result.Failed, result.Example)
	assert.EqualValues(t, 1, o.asked.Load())
}
