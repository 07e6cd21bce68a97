package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/varnish-gateway/gateway/chaperone/internal/status"
	"github.com/varnish-gateway/gateway/chaperone/internal/vcl"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"go.uber.org/zap"
)

const secret = "s3cret"

func fixed() ([]byte, error) { return []byte(secret), nil }

// compiler stands in for the real one.
func compiler(_ context.Context, source []byte) (string, error) {
	switch string(source) {
	case "broken":
		return "line 3: expected ';'", nil
	case "endless":
		return "", fmt.Errorf("checking VCL: %w: it had 5m0s", vcl.ErrTooLong)
	case "away":
		return "", errors.New("varnishd is away")
	}
	return "", nil
}

// invalidator stands in for ghost.
func invalidator(_ context.Context, order []byte) (ghostconf.InvalidationResult, error) {
	switch string(order) {
	case "no order":
		return ghostconf.InvalidationResult{Error: "expected value"}, nil
	case "away":
		return ghostconf.InvalidationResult{}, errors.New("ghost is away")
	}
	return ghostconf.InvalidationResult{Generation: 7}, nil
}

// statistics stand in for ghost's.
func statistics(context.Context) (ghostconf.CacheStatistics, error) {
	return ghostconf.CacheStatistics{Rules: []ghostconf.RuleStatistics{{Route: "shop/web", Rule: "assets", Hits: 7}}}, nil
}

func TestHandler(t *testing.T) {
	tests := map[string]struct {
		method, target, body string
		authorization        string
		status               int
		want                 string
	}{
		"no token":                     {"GET", "/v1/status", "", "", 401, `{"error":"this call needs the bearer token"}`},
		"another token":                {"GET", "/v1/status", "", "Bearer other", 401, `{"error":"this call needs the bearer token"}`},
		"the start of the token":       {"GET", "/v1/status", "", "Bearer s3c", 401, `{"error":"this call needs the bearer token"}`},
		"another scheme":               {"GET", "/v1/status", "", "Basic " + secret, 401, `{"error":"this call needs the bearer token"}`},
		"no token and no such path":    {"GET", "/v2", "", "", 401, `{"error":"this call needs the bearer token"}`},
		"the scheme's case is free":    {"POST", "/v1/vcl/check", "fine", "bearer " + secret, 200, `{"ok":true}`},
		"no such path":                 {"GET", "/v1/cache", "", "Bearer " + secret, 404, `{"error":"there is no /v1/cache"}`},
		"status takes GET alone":       {"POST", "/v1/status", "", "Bearer " + secret, 405, `{"error":"/v1/status takes GET alone"}`},
		"check takes POST alone":       {"GET", "/v1/vcl/check", "", "Bearer " + secret, 405, `{"error":"/v1/vcl/check takes POST alone"}`},
		"an order that is done":        {"POST", "/v1/cache/invalidate", "{}", "Bearer " + secret, 200, `{"generation":7}`},
		"an order that is none":        {"POST", "/v1/cache/invalidate", "no order", "Bearer " + secret, 400, `{"error":"expected value"}`},
		"an order without an answer":   {"POST", "/v1/cache/invalidate", "away", "Bearer " + secret, 503, `{"error":"ghost is away"}`},
		"orders take POST alone":       {"GET", "/v1/cache/invalidate", "", "Bearer " + secret, 405, `{"error":"/v1/cache/invalidate takes POST alone"}`},
		"what the cache has done":      {"GET", "/v1/cache/statistics", "", "Bearer " + secret, 200, `{"rules":[{"route":"shop/web","rule":"assets","hits":7,"stale":0,"collapsed":0,"misses":0,"hitsForMiss":0,"passes":0,"servedBytes":0,"revalidated":0,"tooLarge":0,"stored":0,"objects":0}]}`},
		"statistics take GET alone":    {"POST", "/v1/cache/statistics", "", "Bearer " + secret, 405, `{"error":"/v1/cache/statistics takes GET alone"}`},
		"VCL that compiles":            {"POST", "/v1/vcl/check", "fine", "Bearer " + secret, 200, `{"ok":true}`},
		"VCL that does not compile":    {"POST", "/v1/vcl/check", "broken", "Bearer " + secret, 200, `{"ok":false,"message":"line 3: expected ';'"}`},
		"VCL that cannot be checked":   {"POST", "/v1/vcl/check", "away", "Bearer " + secret, 503, `{"error":"check VCL: varnishd is away"}`},
		"VCL that compiles too long":   {"POST", "/v1/vcl/check", "endless", "Bearer " + secret, 200, `{"ok":false,"message":"checking VCL: the VCL takes too long to compile: it had 5m0s","timedOut":true}`},
		"VCL of the longest length":    {"POST", "/v1/vcl/check", strings.Repeat("x", adminapi.MaxVCL), "Bearer " + secret, 200, `{"ok":true}`},
		"VCL that is too long":         {"POST", "/v1/vcl/check", strings.Repeat("x", adminapi.MaxVCL+1), "Bearer " + secret, 413, `{"error":"VCL is longer than 1048576 bytes"}`},
		"a wait that is no duration":   {"GET", "/v1/status?wait=soon", "", "Bearer " + secret, 400, `{"error":"wait=\"soon\" is no duration, such as 30s"}`},
		"a wait into the past":         {"GET", "/v1/status?wait=-1s", "", "Bearer " + secret, 400, `{"error":"wait=\"-1s\" is no duration, such as 30s"}`},
		"a revision that is no number": {"GET", "/v1/status?wait=1s&after=x", "", "Bearer " + secret, 400, `{"error":"after=\"x\" is no revision"}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			handler := Handler(status.NewBoard(adminapi.Status{}), Calls{Check: compiler, Invalidate: invalidator, CacheStatistics: statistics}, fixed, zap.NewNop())
			request := httptest.NewRequest(test.method, test.target, strings.NewReader(test.body))
			if test.authorization != "" {
				request.Header.Set("Authorization", test.authorization)
			}
			recorder := httptest.NewRecorder()
			handler.ServeHTTP(recorder, request)
			assert.Equal(t, test.status, recorder.Code)
			assert.JSONEq(t, test.want, recorder.Body.String())
			assert.Equal(t, "application/json", recorder.Header().Get("Content-Type"))
			assert.Equal(t, test.status == 401, recorder.Header().Get("WWW-Authenticate") != "")
			assert.Equal(t, test.status == 405, recorder.Header().Get("Allow") != "")
		})
	}
}

// call asks for the status.
func call(t testing.TB, board Board, target string) adminapi.Status {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, target, nil)
	request.Header.Set("Authorization", "Bearer "+secret)
	recorder := httptest.NewRecorder()
	Handler(board, Calls{Check: compiler, Invalidate: invalidator}, fixed, zap.NewNop()).ServeHTTP(recorder, request)
	require.Equal(t, http.StatusOK, recorder.Code)
	var got adminapi.Status
	require.NoError(t, json.Unmarshal(recorder.Body.Bytes(), &got))
	return got
}

// signalBoard tells when somebody waits.
type signalBoard struct {
	*status.Board
	waits chan struct{}
}

func (b signalBoard) Wait(ctx context.Context, after int64) adminapi.Status {
	close(b.waits)
	return b.Board.Wait(ctx, after)
}

func TestStatusWaits(t *testing.T) {
	t.Run("not where nobody asks it to", func(t *testing.T) {
		assert.EqualValues(t, 1, call(t, status.NewBoard(adminapi.Status{}), "/v1/status").Revision)
	})
	t.Run("not where there is news", func(t *testing.T) {
		assert.EqualValues(t, 1, call(t, status.NewBoard(adminapi.Status{}), "/v1/status?wait=1h&after=0").Revision)
	})
	t.Run("until there is news", func(t *testing.T) {
		board := signalBoard{status.NewBoard(adminapi.Status{}), make(chan struct{})}
		go func() {
			<-board.waits
			board.Update(func(s *adminapi.Status) { s.Ready = true })
		}()
		got := call(t, board, "/v1/status?wait=1h&after=1")
		assert.EqualValues(t, 2, got.Revision)
		assert.True(t, got.Ready)
	})
	t.Run("until the time is over", func(t *testing.T) {
		assert.EqualValues(t, 1, call(t, status.NewBoard(adminapi.Status{}), "/v1/status?wait=1ms&after=1").Revision)
	})
}

func TestWaitIsLimited(t *testing.T) {
	wait, _, err := waiting(httptest.NewRequest(http.MethodGet, "/v1/status?wait=24h", nil))
	require.NoError(t, err)
	assert.Equal(t, adminapi.MaxWait, wait)
}

func TestTokenFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	token := TokenFile(path)
	read := func(content string) string {
		require.NoError(t, os.WriteFile(path, []byte(content), 0o600))
		got, err := token()
		if err != nil {
			return err.Error()
		}
		return string(got)
	}
	_, err := token()
	require.ErrorIs(t, err, os.ErrNotExist)
	assert.Equal(t, "first", read("first\n"))
	assert.Equal(t, "second", read("second"), "replaced")
	assert.Contains(t, read("\n"), "is empty", "an empty token would let everybody in")
}

func TestNobodyGetsInWithoutATokenToCompare(t *testing.T) {
	broken := func() ([]byte, error) { return nil, errors.New("gone") }
	request := httptest.NewRequest(http.MethodGet, "/v1/status", nil)
	request.Header.Set("Authorization", "Bearer ")
	recorder := httptest.NewRecorder()
	Handler(status.NewBoard(adminapi.Status{}), Calls{Check: compiler, Invalidate: invalidator}, broken, zap.NewNop()).ServeHTTP(recorder, request)
	assert.Equal(t, http.StatusUnauthorized, recorder.Code)
}

// page is the contract's page.
const page = "../../../docs/reference/admin-api.md"

func TestPageShowsTheStatusAsItIs(t *testing.T) {
	text, err := os.ReadFile(page)
	require.NoError(t, err)
	_, example, found := strings.Cut(string(text), "```json\n")
	require.True(t, found)
	example, _, _ = strings.Cut(example, "```")
	decoder := json.NewDecoder(strings.NewReader(example))
	decoder.DisallowUnknownFields()
	var shown adminapi.Status
	require.NoError(t, decoder.Decode(&shown))
	again, err := json.Marshal(shown)
	require.NoError(t, err)
	assert.JSONEq(t, example, string(again), "every field of the status stands in the example")
}

func TestServeEndsThoseWhoWait(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	server := serve(t, ctx, nil)
	board := server.board
	go func() {
		<-board.waits
		cancel()
	}()
	request, err := http.NewRequest(http.MethodGet, "http://"+server.address+"/v1/status?wait=1h&after=1", nil)
	require.NoError(t, err)
	request.Header.Set("Authorization", "Bearer "+secret)
	client := &http.Client{Timeout: time.Minute}
	response, err := client.Do(request)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Equal(t, http.StatusOK, response.StatusCode)
	require.NoError(t, <-server.ended)
}

func TestStatisticsOfAGhostThatIsAway(t *testing.T) {
	away := func(context.Context) (ghostconf.CacheStatistics, error) {
		return ghostconf.CacheStatistics{}, errors.New("ghost is away")
	}
	request := httptest.NewRequest(http.MethodGet, "/v1/cache/statistics", nil)
	request.Header.Set("Authorization", "Bearer "+secret)
	recorder := httptest.NewRecorder()
	Handler(status.NewBoard(adminapi.Status{}), Calls{CacheStatistics: away}, fixed, zap.NewNop()).ServeHTTP(recorder, request)
	assert.Equal(t, http.StatusServiceUnavailable, recorder.Code)
	assert.JSONEq(t, `{"error":"ghost is away"}`, recorder.Body.String())
}
