package explain

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"time"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/operator/internal/manifest"
	"github.com/varnish-gateway/gateway/operator/internal/translate"
	"github.com/varnish-gateway/gateway/shared/decision"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Caching is how a request is cached: by which policies, and what the cache decides.
type Caching struct {
	translate.Caching
	// Decision of the cache; nil where requests are passed, and where it could not be asked.
	Decision *CacheDecision `json:"decision,omitempty"`
	// Undecided says why the cache could not be asked.
	Undecided string `json:"undecided,omitempty"`

	question CacheQuestion
}

// CacheQuestion is what ghost-explain is asked (the Rust type Question of ghost's crate explain).
type CacheQuestion struct {
	// Config is a ghost.json.
	Config json.RawMessage `json:"config"`
	// Listener is the name of the listener that the request came by, Rule the ID of the rule that it
	// fits, Match the index of the match there.
	Listener string `json:"listener"`
	Rule     string `json:"rule"`
	Match    int    `json:"match"`
	// Now is when the response came, in seconds since 1970, unless its Date says so.
	Now      int64          `json:"now"`
	Request  cachedRequest  `json:"request"`
	Response *CacheResponse `json:"response,omitempty"`
}

type cachedRequest struct {
	HTTPS   bool             `json:"https"`
	Host    string           `json:"host"`
	Method  string           `json:"method"`
	Target  string           `json:"target"`
	Headers []routing.Header `json:"headers,omitempty"`
}

// CacheResponse is a response of the backend.
type CacheResponse struct {
	Status  int              `json:"status"`
	Headers []routing.Header `json:"headers,omitempty"`
}

// CacheDecision is what the cache decides (the Rust type Explanation).
type CacheDecision struct {
	Lookup Lookup `json:"lookup"`
	// Key by which the request is looked up, as Cache-Status has it; empty where it is not.
	Key string `json:"key,omitempty"`
	// Response says what becomes of the response; nil where none was given.
	Response *Storage `json:"response,omitempty"`
}

// Lookup says whether a request looks into the cache.
type Lookup struct {
	Looks bool `json:"looks"`
	// Why it does not.
	Why string `json:"why,omitempty"`
	// Wishes are what its Cache-Control asks of a stored response, where the policy heeds clients.
	Wishes []string `json:"wishes,omitempty"`
}

// Storage says what becomes of a response. Times are in seconds.
type Storage struct {
	Stored bool `json:"stored"`
	// Why it is not stored.
	Why string `json:"why,omitempty"`
	// HitForMiss is how long requests do not wait for each other where it is not stored.
	HitForMiss int `json:"hitForMiss,omitempty"`
	// Age that it comes with.
	Age                  int        `json:"age,omitempty"`
	TTL                  *CacheTime `json:"ttl,omitempty"`
	StaleWhileRevalidate *CacheTime `json:"staleWhileRevalidate,omitempty"`
	StaleIfError         *CacheTime `json:"staleIfError,omitempty"`
	Keep                 *CacheTime `json:"keep,omitempty"`
	// Removed are fields that are not stored with it, VariesBy those of requests that tell its variants
	// apart.
	Removed  []string `json:"removed,omitempty"`
	VariesBy []string `json:"variesBy,omitempty"`
	Tags     []string `json:"tags,omitempty"`
	// ClientCacheControl is what clients get in the place of the backend's Cache-Control.
	ClientCacheControl string `json:"clientCacheControl,omitempty"`
}

// CacheTime is a time, in seconds, with a sentence that says where it comes from.
type CacheTime struct {
	Seconds int    `json:"seconds"`
	Why     string `json:"why"`
}

// ParseResponse turns a status and "Name: value" lines into a response. It is nil where nothing is
// given, and has the status 200 where only headers are.
func ParseResponse(status int, headers []string) (*CacheResponse, error) {
	if status == 0 && len(headers) == 0 {
		return nil, nil
	}
	if status == 0 {
		status = http.StatusOK
	}
	if status < 100 || status > 599 {
		return nil, fmt.Errorf("status %s: need a number from 100 to 599", strconv.Itoa(status))
	}
	lines, err := parseHeaders(headers)
	return &CacheResponse{Status: status, Headers: lines}, err
}

func parseHeaders(lines []string) ([]routing.Header, error) {
	var headers []routing.Header
	for _, line := range lines {
		name, value, ok := strings.Cut(line, ":")
		if !ok {
			return nil, fmt.Errorf("header %q: need \"Name: value\"", line)
		}
		headers = append(headers, routing.Header{Name: name, Value: strings.TrimSpace(value)})
	}
	return headers, nil
}

// Decider decides as the cache does.
type Decider func(context.Context, CacheQuestion) (CacheDecision, error)

// DecideCaching asks what the cache decides about the request, and about a response that comes now
// unless it is nil. It asks nothing where requests are passed. Where the program is not there that
// decides, the explanation says so.
func (e *Explanation) DecideCaching(ctx context.Context, decide Decider, response *CacheResponse, now time.Time) error {
	if e.Caching == nil || e.Caching.Passed != "" {
		return nil
	}
	question := e.Caching.question
	question.Response, question.Now = response, now.Unix()
	found, err := decide(ctx, question)
	if errors.Is(err, exec.ErrNotFound) {
		e.Caching.Undecided = err.Error()
		return nil
	}
	if err != nil {
		return fmt.Errorf("asking what the cache decides: %w", err)
	}
	e.Caching.Decision = &found
	return nil
}

// caching says how the request of a decision is cached; nil where no backend is asked for it.
func caching(set *manifest.Set, gateway manifest.Key, ghost ghostconf.Config, d decision.Decision, rule int, request decision.Request) (*Caching, error) {
	if d.Rule == "" || d.Status != 0 {
		return nil, nil
	}
	namespace, name, _ := strings.Cut(d.Route, "/")
	route, _ := set.Object(manifest.Key{Kind: "HTTPRoute", Namespace: namespace, Name: name}).(*gatewayv1.HTTPRoute)
	object, _ := set.Object(gateway).(*gatewayv1.Gateway)
	if route == nil || object == nil {
		return nil, nil
	}
	config, err := ghostconf.Encode(ghost)
	if err != nil {
		return nil, fmt.Errorf("encode the configuration: %w", err)
	}
	policies := manifest.Of[*v1alpha1.VarnishCachePolicy](set)
	return &Caching{
		Caching: translate.CachingOf(policies, object, d.Listener, route, rule),
		question: CacheQuestion{
			Config: config, Listener: d.Listener, Rule: d.Rule, Match: d.Match,
			Request: cachedRequest{
				HTTPS: scheme(request.Socket) == "https", Host: request.Host, Method: request.Method,
				Target: request.Target, Headers: request.Headers,
			},
		},
	}, nil
}
