package loadtool

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// What the tools printed is in testdata: `wrk -t1 -c4 -d1s`, `h2load --h1 -t1 -c4 -D1` and `-n400`,
// of a server that answers, of one that answers 503, and where nobody listens.
func TestWhatToolsPrintIsRead(t *testing.T) {
	for sentence, c := range map[string]struct {
		file    string
		parse   func(string) (Result, error)
		want    Result
		problem string
	}{
		"wrk":                                  {"wrk.txt", ParseWrk, Result{Rate: 62857.55, Requests: 63091}, ""},
		"wrk, with wrong statuses":             {"wrk-status.txt", ParseWrk, Result{Rate: 57924.15, Requests: 64492, Failed: 64492}, ""},
		"wrk, where nobody listens":            {"wrk-refused.txt", ParseWrk, Result{}, "unable to connect"},
		"h2load":                               {"h2load.txt", ParseH2load, Result{Rate: 58926, Requests: 58926}, ""},
		"h2load, with wrong statuses":          {"h2load-status.txt", ParseH2load, Result{Rate: 69808.03, Failed: 400}, ""},
		"h2load, where nobody listens":         {"h2load-refused.txt", ParseH2load, Result{Failed: 20}, ""},
		"wrk does not take h2load for its own": {"h2load.txt", ParseWrk, Result{}, "wrk printed no result"},
		"h2load does not take wrk for its own": {"wrk.txt", ParseH2load, Result{}, "h2load printed no result"},
	} {
		t.Run(sentence, func(t *testing.T) {
			output, err := os.ReadFile(filepath.Join("testdata", c.file))
			require.NoError(t, err)
			got, err := c.parse(string(output))
			if c.problem != "" {
				assert.ErrorContains(t, err, c.problem)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

// The line is that of wrk's main(), src/wrk.c.
func TestSocketErrorsOfWrkAreFailures(t *testing.T) {
	got, err := ParseWrk("  100 requests in 1.00s, 1.00MB read\n" +
		"  Socket errors: connect 1, read 20, write 300, timeout 4000\n" +
		"  Non-2xx or 3xx responses: 50000\nRequests/sec:    100.00\n")
	require.NoError(t, err)
	assert.Equal(t, Result{Rate: 100, Requests: 100, Failed: 54321}, got)
}

func TestNumbersThatAreTooLargeAreAnError(t *testing.T) {
	_, err := ParseWrk("  99999999999999999999 requests in 1.00s, 1.00MB read\nRequests/sec:    100.00\n")
	assert.ErrorContains(t, err, "out of range")
	_, err = ParseH2load("finished in 1.00s, 1.00 req/s, 1MB/s\nrequests: 1 total, 1 started, 1 done, " +
		"99999999999999999999 succeeded, 0 failed, 0 errored, 0 timeout\n")
	assert.ErrorContains(t, err, "out of range")
}
