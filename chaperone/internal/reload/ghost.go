package reload

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// What ghost is asked to do; the host is of no account on a unix socket.
const (
	reloadURL     = "http://ghost-reload/.varnish-ghost/reload"
	drainURL      = "http://ghost-reload/.varnish-ghost/drain"
	invalidateURL = "http://ghost-reload/.varnish-ghost/invalidate"
	cacheURL      = "http://ghost-reload/.varnish-ghost/cache"
)

// maxAnswer bounds what is read of ghost's answer.
const maxAnswer = 32 << 20

// dialWithin is how long a connection to varnishd's socket may take. Its answer may take minutes.
const dialWithin = 5 * time.Second

// HTTPGhost asks ghost to reload over varnishd's unix socket.
type HTTPGhost struct{ client *retryablehttp.Client }

// NewHTTPGhost asks on the given socket. ghost may take the given time for an answer: it builds its tables before it gives one. A
// question that it does not answer in time is not asked again here, since that would only be one more to wait for.
func NewHTTPGhost(path string, within time.Duration) *HTTPGhost {
	client := retryablehttp.NewClient()
	client.Logger = nil
	client.CheckRetry = func(ctx context.Context, response *http.Response, err error) (bool, error) {
		if isTimeout(err) {
			return false, nil
		}
		return retryablehttp.DefaultRetryPolicy(ctx, response, err)
	}
	client.RetryMax = 3
	client.RetryWaitMin, client.RetryWaitMax = 10*time.Millisecond, 200*time.Millisecond
	client.ErrorHandler = retryablehttp.PassthroughErrorHandler
	dialer := net.Dialer{Timeout: dialWithin}
	client.HTTPClient = &http.Client{
		Timeout: within,
		Transport: &http.Transport{
			// A connection of its own for each reload: one that was kept may be of a child that died.
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return dialer.DialContext(ctx, "unix", path)
			},
		},
	}
	return &HTTPGhost{client: client}
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// Reload makes ghost read ghost.json. The result says whether it took it; an error means that nobody
// knows, because ghost could not be asked or answered something else.
func (g *HTTPGhost) Reload(ctx context.Context) (result ghostconf.ReloadResult, accepted bool, err error) {
	response, err := g.ask(ctx, http.MethodPost, reloadURL, nil)
	if err != nil {
		return result, false, fmt.Errorf("asking ghost to reload: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusUnprocessableEntity {
		return result, false, fmt.Errorf("asking ghost to reload: status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return result, false, fmt.Errorf("reading ghost's answer to a reload: %w", err)
	}
	result, err = ghostconf.DecodeReloadResult(body)
	return result, response.StatusCode == http.StatusOK, err
}

// Drain makes ghost end every connection with its next answer.
func (g *HTTPGhost) Drain(ctx context.Context) error {
	response, err := g.ask(ctx, http.MethodPost, drainURL, nil)
	if err != nil {
		return fmt.Errorf("asking ghost to drain: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("asking ghost to drain: status %d", response.StatusCode)
	}
	return nil
}

// Invalidate makes ghost carry out an order to invalidate objects. The result says why it did not; an error means that
// nobody knows.
func (g *HTTPGhost) Invalidate(ctx context.Context, order []byte) (ghostconf.InvalidationResult, error) {
	response, err := g.ask(ctx, http.MethodPost, invalidateURL, order)
	if err != nil {
		return ghostconf.InvalidationResult{}, fmt.Errorf("asking ghost to invalidate: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK && response.StatusCode != http.StatusBadRequest {
		return ghostconf.InvalidationResult{}, fmt.Errorf("asking ghost to invalidate: status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return ghostconf.InvalidationResult{}, fmt.Errorf("reading ghost's answer to an order to invalidate: %w", err)
	}
	return ghostconf.DecodeInvalidationResult(body)
}

// CacheStatistics asks ghost what the cache has done.
func (g *HTTPGhost) CacheStatistics(ctx context.Context) (ghostconf.CacheStatistics, error) {
	response, err := g.ask(ctx, http.MethodGet, cacheURL, nil)
	if err != nil {
		return ghostconf.CacheStatistics{}, fmt.Errorf("asking ghost for the cache's statistics: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return ghostconf.CacheStatistics{}, fmt.Errorf("asking ghost for the cache's statistics: status %d", response.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return ghostconf.CacheStatistics{}, fmt.Errorf("reading the cache's statistics: %w", err)
	}
	return ghostconf.DecodeCacheStatistics(body)
}

func (g *HTTPGhost) ask(ctx context.Context, method, url string, body []byte) (*http.Response, error) {
	request, err := retryablehttp.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return nil, err
	}
	return g.client.Do(request)
}
