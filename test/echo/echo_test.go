package echo

import (
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func get(t *testing.T, url string, headers ...string) (*http.Response, []byte, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader("four"))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Add(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	require.NoError(t, err)
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return response, body, err
}

func TestAnswersTellWhatWasSeen(t *testing.T) {
	server := httptest.NewServer(Handler(Options{Service: "hello", Pod: "hello-1"}))
	defer server.Close()
	response, body, err := get(t, server.URL+"/a%2Fb?x=1", "X-Echo-Set-Header", "X-Back: yes")
	require.NoError(t, err)
	var seen Seen
	require.NoError(t, json.Unmarshal(body, &seen))
	assert.Equal(t, "hello", seen.Service)
	assert.Equal(t, "/a%2Fb", seen.Path)
	assert.Equal(t, "x=1", seen.Query)
	assert.Equal(t, int64(4), seen.BodyBytes)
	assert.Equal(t, "yes", response.Header.Get("X-Back"))
}

func TestAnswersMisbehaveOnDemand(t *testing.T) {
	server := httptest.NewServer(Handler(Options{}))
	defer server.Close()
	cases := map[string]struct {
		headers []string
		check   func(*testing.T, *http.Response, []byte, error)
	}{
		"a status": {[]string{"X-Echo-Status", "503"}, func(t *testing.T, r *http.Response, _ []byte, err error) {
			assert.NoError(t, err)
			assert.Equal(t, 503, r.StatusCode)
		}},
		"a size": {[]string{"X-Echo-Size", "100000"}, func(t *testing.T, r *http.Response, body []byte, err error) {
			assert.NoError(t, err)
			assert.Len(t, body, 100000)
			assert.Equal(t, int64(100000), r.ContentLength)
		}},
		"chunks": {[]string{"X-Echo-Chunked", "true"}, func(t *testing.T, r *http.Response, _ []byte, err error) {
			assert.NoError(t, err)
			assert.Equal(t, int64(-1), r.ContentLength)
		}},
		"a cut body": {[]string{"X-Echo-Truncate", "true"}, func(t *testing.T, _ *http.Response, _ []byte, err error) {
			assert.ErrorIs(t, err, io.ErrUnexpectedEOF)
		}},
		"a closed connection": {[]string{"X-Echo-Close", "true"}, func(t *testing.T, r *http.Response, _ []byte, err error) {
			assert.NoError(t, err)
			assert.True(t, r.Close)
		}},
		"nonsense": {[]string{"X-Echo-Status", "9000"}, func(t *testing.T, r *http.Response, _ []byte, err error) {
			assert.NoError(t, err)
			assert.Equal(t, http.StatusBadRequest, r.StatusCode)
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			response, body, err := get(t, server.URL, c.headers...)
			c.check(t, response, body, err)
		})
	}
}

func TestStoppingFinishesWhatIsInFlight(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Serve(ctx, l, Options{}) }()
	conn, err := net.Dial("tcp", l.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	require.NoError(t, conn.SetDeadline(time.Now().Add(10*time.Second)))
	// The request is in flight while half of its body is still to come.
	_, err = io.WriteString(conn, "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
	require.NoError(t, err)
	buf := make([]byte, 64)
	n, err := conn.Read(buf)
	require.NoError(t, err)
	require.Contains(t, string(buf[:n]), "100 Continue")
	cancel()
	_, err = io.WriteString(conn, "four")
	require.NoError(t, err)
	answer, err := io.ReadAll(conn)
	require.NoError(t, err)
	assert.Contains(t, string(answer), "200 OK")
	assert.NoError(t, <-served)
}
