package openloop

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func addressOf(t *testing.T, server *httptest.Server) netip.AddrPort {
	t.Helper()
	return netip.MustParseAddrPort(server.Listener.Addr().String())
}

func run(t *testing.T, handler http.HandlerFunc, change func(*Config)) Result {
	t.Helper()
	server := httptest.NewServer(handler)
	defer server.Close()
	config := Config{
		Address: addressOf(t, server), Request: []byte("GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"),
		Connections: 4, Rate: 1000, Duration: 200 * time.Millisecond, Patience: 10 * time.Second,
	}
	if change != nil {
		change(&config)
	}
	result, err := Run(context.Background(), config)
	require.NoError(t, err)
	return result
}

func TestEveryRequestThatIsDueIsSentOnceAndAnswered(t *testing.T) {
	var seen atomic.Int64
	result := run(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		assert.Equal(t, "a.example", r.Host)
		_, _ = io.WriteString(w, "hello")
	}, nil)
	assert.Len(t, result.Latencies, 200)
	assert.EqualValues(t, 200, seen.Load())
	assert.Zero(t, result.Failed, result.Example)
}

func TestEachRequestHasItsNumberAndItsAnswer(t *testing.T) {
	seen := map[int]bool{}
	result := run(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) }, func(c *Config) {
		c.Next = func(number int) []byte {
			return fmt.Appendf(nil, "GET /%d HTTP/1.1\r\nHost: a.example\r\n\r\n", number)
		}
		c.Answered = func(e Exchange) {
			assert.False(t, seen[e.Number])
			seen[e.Number] = true
			assert.True(t, strings.HasSuffix(string(e.Answer), fmt.Sprintf("\r\n\r\n/%d", e.Number)), "%q", e.Answer)
			assert.False(t, e.Came.Before(e.Sent))
			assert.GreaterOrEqual(t, e.Latency, e.Came.Sub(e.Sent), "a request is due before it is sent")
		}
	})
	assert.Zero(t, result.Failed, result.Example)
	assert.Len(t, seen, 200)
}

func TestAStallIsChargedToEveryRequestThatWasDueMeanwhile(t *testing.T) {
	const stall = 100 * time.Millisecond
	var once atomic.Bool
	result := run(t, func(w http.ResponseWriter, _ *http.Request) {
		if once.CompareAndSwap(false, true) {
			time.Sleep(stall)
		}
		_, _ = io.WriteString(w, "hello")
	}, func(c *Config) { c.Connections = 1 })
	assert.Len(t, result.Latencies, 200)
	slow := 0
	for _, latency := range result.Latencies {
		if latency >= stall/2 {
			slow++
		}
	}
	assert.GreaterOrEqual(t, slow, 50, "one request in each millisecond of the stall's first half waits longer than the other half")
}

func TestAnswersOtherThan200Fail(t *testing.T) {
	result := run(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusServiceUnavailable)
	}, nil)
	assert.Equal(t, 200, result.Failed)
	assert.EqualError(t, result.Example, "status 503")
}

func TestAConnectionThatEndsWithARequestOnItIsAFailureAndIsReplaced(t *testing.T) {
	var seen atomic.Int64
	result := run(t, func(w http.ResponseWriter, _ *http.Request) {
		if seen.Add(1)%10 == 0 {
			panic(http.ErrAbortHandler)
		}
		_, _ = io.WriteString(w, "hello")
	}, nil)
	assert.Equal(t, 20, result.Failed)
	assert.Len(t, result.Latencies, 180)
}

func TestAConnectionThatEndsBetweenRequestsIsNoFailure(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	l := &load{Config: Config{Address: addressOf(t, server), Connections: 2, Rate: 1}, epoll: -1, timer: -1}
	defer l.close()
	require.NoError(t, l.open())
	require.NoError(t, l.lost(0, errClosed))
	assert.Zero(t, l.result.Failed)
	assert.Equal(t, 2, l.idle.len(), "the new connection stands for the old one")

	assert.Equal(t, 1, l.idle.pop())
	l.conns[1].busy = true
	require.NoError(t, l.lost(1, errClosed))
	assert.Equal(t, 1, l.result.Failed)
	assert.Equal(t, 2, l.idle.len())
}

func TestAConnectionIsNotUsedAgainWhereTheServerSaysSo(t *testing.T) {
	var seen atomic.Int64
	result := run(t, func(w http.ResponseWriter, _ *http.Request) {
		if seen.Add(1)%2 == 0 {
			w.Header().Set("Connection", "close")
		}
		_, _ = io.WriteString(w, "hello")
	}, nil)
	assert.Zero(t, result.Failed, result.Example)
	assert.Len(t, result.Latencies, 200)
}

func TestWhatIsNotAnsweredInTimeFails(t *testing.T) {
	done := make(chan struct{})
	defer close(done)
	result := run(t, func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-done:
		case <-r.Context().Done():
		}
	}, func(c *Config) { c.Patience = time.Millisecond })
	assert.Equal(t, 200, result.Failed)
}

func TestALoadEndsWithItsContext(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, err := Run(ctx, Config{Address: addressOf(t, server), Connections: 1, Rate: 1, Duration: time.Hour})
	assert.ErrorIs(t, err, context.Canceled)
}

func TestNobodyListeningIsAnError(t *testing.T) {
	server := httptest.NewServer(http.NotFoundHandler())
	address := addressOf(t, server)
	server.Close()
	_, err := Run(context.Background(), Config{Address: address, Connections: 1, Rate: 1, Duration: time.Second})
	assert.ErrorContains(t, err, address.String())
}

func TestAnswers(t *testing.T) {
	for sentence, c := range map[string]struct {
		data    string
		want    answer
		problem string
	}{
		"a head that is not complete":              {"HTTP/1.1 200 OK\r\nContent-", answer{}, ""},
		"head and body":                            {"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello", answer{200, 43, false}, ""},
		"names in any case":                        {"HTTP/1.1 404 No\r\ncontent-length:0\r\n\r\n", answer{404, 37, false}, ""},
		"the last of its connection":               {"HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 0\r\n\r\n", answer{200, 57, true}, ""},
		"no length is an error":                    {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", answer{}, "without Content-Length"},
		"a length that is no number is":            {"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", answer{}, "no length"},
		"something else than HTTP is":              {"SSH-2.0-OpenSSH_9.2p1\r\n\r\n", answer{}, "no HTTP/1 answer"},
		"a status that is no number is":            {"HTTP/1.1 abc OK\r\n\r\n", answer{}, "no status"},
		"what is too short for a head is":          {"HTTP/1.1\r\n\r\n", answer{}, "no HTTP/1 answer"},
		"the body's own blank lines do not matter": {"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n\r\n\r\n", answer{200, 42, false}, ""},
	} {
		t.Run(sentence, func(t *testing.T) {
			got, err := parseAnswer([]byte(c.data))
			if c.problem != "" {
				assert.ErrorContains(t, err, c.problem)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

func TestPercentilesAreNearestRanks(t *testing.T) {
	var r Result
	for i := range 200 {
		r.Latencies = append(r.Latencies, time.Duration(i+1))
	}
	for p, want := range map[float64]time.Duration{0: 1, 50: 100, 90: 180, 99: 198, 99.9: 200, 100: 200} {
		assert.Equal(t, want, r.Percentile(p), p)
	}
	assert.Zero(t, Result{}.Percentile(50))
}

func TestAQueueIsFirstInFirstOut(t *testing.T) {
	var q queue[int]
	for i := range 10 {
		q.push(i)
	}
	q.remove(4)
	q.remove(99)
	var got []string
	for q.len() > 0 {
		item := q.pop()
		got = append(got, string(rune('0'+item)))
		if item == 2 {
			q.push(5)
		}
	}
	assert.Equal(t, "0123567895", strings.Join(got, ""))
}
