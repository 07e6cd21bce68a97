package report

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files anew")

var someEntries = []Entry{
	{Name: "pass", What: "GET of 31 B, with words enough that the line of this point is longer than a hundred columns.", Own: "gateway"},
	{Name: "latency", What: "Latency.", Kind: Latency, Own: "gateway"},
	{Name: "memory", What: "Memory.", Kind: Memory, Own: "gateway"},
	{Name: "other", What: "What has not been measured.", Own: "gateway"},
}

var someAims = []Aim{
	{What: "reached", At: "pass", Metric: RequestsPerSecond, Of: "gateway", By: "envoy", Before: "0.50", Want: 1.3},
	{What: "just reached", At: "pass", Metric: RequestsPerSecond, Of: "gateway", By: "nginx", Before: "0.50", Want: 0.4},
	{What: "not reached", At: "latency", Metric: P99, Of: "gateway", By: "envoy", Before: "2.00", Want: 1, AtMost: true},
	{What: "of two scenarios", At: "latency", ByAt: "pass", Metric: Failed, Of: "gateway", By: "gateway", Before: "none", Want: 9, AtMost: true},
	{What: "not measured", At: "other", Metric: P99, Of: "gateway", By: "envoy", Before: "none", Want: 1},
	{What: "divided by nothing", At: "pass", Metric: Failed, Of: "gateway", By: "envoy", Before: "none", Want: 1},
}

func someResults() Results {
	circumstances := Run{
		Date: time.Date(2026, 11, 28, 9, 0, 0, 0, time.UTC), Rounds: 3, Seconds: 2,
		Machine:  Machine{CPU: "Some CPU", Cores: 2, Memory: 24e9, Kernel: "6.1", System: "Debian 12"},
		Versions: map[string]string{"envoy": "1.40.0", "gateway": "1.2.3"},
	}
	with := func(noisy int, subjects ...Subject) Run {
		run := circumstances
		run.Noisy, run.Subjects = noisy, subjects
		return run
	}
	return Results{Scenarios: map[string]Run{
		"pass": with(0,
			Subject{Name: "gateway", Metrics: map[Metric]Values{
				RequestsPerSecond: {33000, 30000.4, 31000}, CPUPerRequest: {30, 31.26, 32}, SwitchesPerRequest: {2, 2, 2.005}, Failed: {0, 1, 2},
			}},
			Subject{Name: "envoy", Metrics: map[Metric]Values{
				RequestsPerSecond: {20000, 999, 20001}, CPUPerRequest: {40, 40, 40}, SwitchesPerRequest: {1, 1, 1}, Failed: {0, 0, 0},
			}},
			Subject{Name: "nginx", Metrics: map[Metric]Values{RequestsPerSecond: {77600, 77700, 1234567}}},
			Subject{Name: "haproxy", Problem: "not one request was answered"},
		),
		"latency": with(0,
			Subject{Name: "gateway", Metrics: map[Metric]Values{
				OfferedRate: {8000, 8000}, P50: {0.5, 0.7}, P90: {1, 2}, P99: {15, 14}, P999: {30, 31}, Failed: {0, 9}, Reloads: {4, 5},
			}},
			Subject{Name: "envoy", Metrics: map[Metric]Values{OfferedRate: {8000, 8000}, P50: {0.5, 0.7}, P90: {1, 2}, P99: {12, 10}, P999: {30, 31}}},
		),
		"memory": with(2,
			Subject{Name: "gateway", Metrics: map[Metric]Values{Idle: {58e6}, Held: {3000}, Refused: {0}, BytesEach: {37600}, Failed: {0}, Others: {0.123}}},
			Subject{Name: "envoy", Metrics: map[Metric]Values{Idle: {20e6}, Held: {3000}, Refused: {17}, BytesEach: {22400}, Failed: {0}, Others: {0.01}}},
		),
	}}
}

func TestTheTablesOfAPage(t *testing.T) {
	golden := filepath.Join("testdata", "page.md")
	path := filepath.Join(t.TempDir(), "page.md")
	require.NoError(t, os.WriteFile(path, []byte("# Before\n\n"+begin("bench-peers")+"\nold\n"+end+"\n\nAfter.\n"), 0o600))
	for range 2 { // the second time finds what the first one wrote
		require.NoError(t, UpdatePage(path, "bench-peers", Tables(someEntries, someAims, someResults())))
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	if *update {
		require.NoError(t, os.WriteFile(golden, got, 0o644))
	}
	want, err := os.ReadFile(golden)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(got))
}

func TestAPageWithoutMarkersIsLeftAlone(t *testing.T) {
	for _, text := range []string{"", "# Page\n", begin("bench-peers") + "\n", end + "\n" + begin("bench-peers") + "\n"} {
		path := filepath.Join(t.TempDir(), "page.md")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		assert.ErrorContains(t, UpdatePage(path, "bench-peers", "tables"), "there is no line")
		got, err := os.ReadFile(path)
		require.NoError(t, err)
		assert.Equal(t, text, string(got))
	}
	assert.Error(t, UpdatePage(filepath.Join(t.TempDir(), "absent.md"), "bench-peers", "tables"))
}

func TestNothingMeasuredYet(t *testing.T) {
	text := Tables(someEntries, someAims, Results{})
	assert.Contains(t, text, "None yet.")
	assert.NotContains(t, text, "| yes |")
}

func TestResultsAreReadAsTheyWereWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "results.json")
	none, err := Read(path)
	require.NoError(t, err)
	assert.Empty(t, none.Scenarios)
	require.NoError(t, someResults().Write(path))
	got, err := Read(path)
	require.NoError(t, err)
	assert.Equal(t, someResults(), got)
}

func TestResultsThatCannotBeRead(t *testing.T) {
	for _, text := range []string{"", "{}", `{"scenarios": 7}`, "null"} {
		path := filepath.Join(t.TempDir(), "results.json")
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		_, err := Read(path)
		assert.ErrorContains(t, err, path, text)
	}
}

func TestMediansAndSpread(t *testing.T) {
	for sentence, c := range map[string]struct {
		values              Values
		median, least, most float64
	}{
		"none":      {nil, 0, 0, 0},
		"one":       {Values{7}, 7, 7, 7},
		"odd":       {Values{3, 1, 2}, 2, 1, 3},
		"even":      {Values{4, 1, 3, 2}, 2.5, 1, 4},
		"negative":  {Values{-3, -1}, -2, -3, -1},
		"one stray": {Values{10, 11, 1000}, 11, 10, 1000},
	} {
		t.Run(sentence, func(t *testing.T) {
			before := append(Values(nil), c.values...)
			assert.Equal(t, c.median, c.values.Median())
			assert.Equal(t, c.least, c.values.Least())
			assert.Equal(t, c.most, c.values.Most())
			assert.Equal(t, before, c.values, "the order of the rounds stays")
		})
	}
}

func TestWholeNumbersHaveCommas(t *testing.T) {
	for number, want := range map[float64]string{0: "0", 7.4: "7", 999.6: "1,000", 1234567: "1,234,567", -1000: "-1,000", -0.2: "0", 100000: "100,000"} {
		assert.Equal(t, want, thousands(number))
	}
}

func TestAnAimIsReachedInTheDecimalsThatAreShown(t *testing.T) {
	for sentence, c := range map[string]struct {
		aim   Aim
		ratio float64
		want  bool
	}{
		"at least, more":          {Aim{Want: 1.3}, 1.4, true},
		"at least, shown as it":   {Aim{Want: 1.3}, 1.2951, true},
		"at least, shown as less": {Aim{Want: 1.3}, 1.2949, false},
		"at most, less":           {Aim{Want: 1, AtMost: true}, 0.9, true},
		"at most, shown as it":    {Aim{Want: 1, AtMost: true}, 1.0049, true},
		"at most, shown as more":  {Aim{Want: 1, AtMost: true}, 1.0051, false},
	} {
		t.Run(sentence, func(t *testing.T) { assert.Equal(t, c.want, c.aim.Reached(c.ratio)) })
	}
}
