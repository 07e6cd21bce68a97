package routing

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/varnish-gateway/gateway/shared/contract"
)

// CachePolicy says how answers to the requests of the rules that name it are cached. It is what is left of all
// VarnishCachePolicy objects that hold for such a rule, field by field. Times are in milliseconds.
//
// A reader that cannot use a policy as it stands (an unmet need, a problem in a field) caches nothing for its rules: their
// requests are passed.
type CachePolicy struct {
	// ID is made of the rest of the record by CachePolicyID: another content is another policy.
	ID string `json:"id" jsonschema:"minLength=1"`
	// Policies are the VarnishCachePolicy objects ("namespace/name") that the fields come from, the most specific first.
	Policies []string `json:"policies,omitempty"`
	// Zone is what rules share objects by: those whose policies name the same zone. Empty: every rule has objects of its
	// own.
	Zone string `json:"zone,omitempty"`
	// Freshness says how long answers are fresh, and how long they may be served stale.
	Freshness CacheFreshness `json:"freshness,omitzero"`
	// Key says what of a request, beside method, host, path and query, tells objects apart.
	Key CacheKey `json:"key,omitzero"`
	// Bypass says which requests are passed.
	Bypass CacheBypass `json:"bypass,omitzero"`
	// Storage says which answers are stored, and how.
	Storage CacheStorage `json:"storage,omitzero"`
	// Response says what clients are told.
	Response CacheResponse `json:"response,omitzero"`
	// Needs names the features without which a reader must pass the requests of these rules.
	Needs []Feature `json:"needs,omitempty"`
}

// CacheFreshness says how long answers are fresh, and how long they may be served stale (RFC 9111 section 4.2, RFC 5861).
type CacheFreshness struct {
	// DefaultTTL of answers whose origin says nothing of freshness; absent: they are not stored.
	DefaultTTL *int64 `json:"defaultTTL,omitempty" jsonschema:"minimum=0"`
	// MinTTL is the least that the origin can say.
	MinTTL *int64 `json:"minTTL,omitempty" jsonschema:"minimum=0"`
	// MaxTTL is the most that the origin can say.
	MaxTTL *int64 `json:"maxTTL,omitempty" jsonschema:"minimum=0"`
	// OverrideTTL holds whatever the origin says, no-store, private and no-cache excepted.
	OverrideTTL *int64 `json:"overrideTTL,omitempty" jsonschema:"minimum=0"`
	// HeuristicPercent of the time since Last-Modified is the TTL where the origin says nothing else (RFC 9111 section
	// 4.2.2); 0 is no heuristic.
	HeuristicPercent int32 `json:"heuristicPercent,omitzero" jsonschema:"minimum=0,maximum=100"`
	// ByStatus holds instead for answers of these status codes. The first entry that names a status counts.
	ByStatus []StatusFreshness `json:"byStatus,omitempty"`
	// StaleWhileRevalidate holds where the origin says nothing of it (RFC 5861 section 3).
	StaleWhileRevalidate *int64 `json:"staleWhileRevalidate,omitempty" jsonschema:"minimum=0"`
	// StaleIfError holds where the origin says nothing of it (RFC 5861 section 4).
	StaleIfError *int64 `json:"staleIfError,omitempty" jsonschema:"minimum=0"`
	// Keep is how long a stale object is kept for a conditional request to the origin.
	Keep *int64 `json:"keep,omitempty" jsonschema:"minimum=0"`
}

// StatusFreshness is the freshness of answers of some status codes. What it does not set is as for every answer; an error
// (400 or more) is never kept longer than a success by default, minimum or heuristic, unless it is set here.
type StatusFreshness struct {
	// From is the first status code.
	From int `json:"from" jsonschema:"minimum=200,maximum=599"`
	// To is the last status code.
	To int `json:"to" jsonschema:"minimum=200,maximum=599"`
	// DefaultTTL as in CacheFreshness.
	DefaultTTL *int64 `json:"defaultTTL,omitempty" jsonschema:"minimum=0"`
	// MinTTL as in CacheFreshness.
	MinTTL *int64 `json:"minTTL,omitempty" jsonschema:"minimum=0"`
	// MaxTTL as in CacheFreshness.
	MaxTTL *int64 `json:"maxTTL,omitempty" jsonschema:"minimum=0"`
	// OverrideTTL as in CacheFreshness.
	OverrideTTL *int64 `json:"overrideTTL,omitempty" jsonschema:"minimum=0"`
}

// QueryKeyMode says which query parameters are part of the key.
type QueryKeyMode string

// Ways to choose query parameters.
const (
	// QueryKeyAll takes every parameter.
	QueryKeyAll QueryKeyMode = "All"
	// QueryKeyInclude takes those that are named, and no others.
	QueryKeyInclude QueryKeyMode = "Include"
	// QueryKeyExclude takes all but those that are named.
	QueryKeyExclude QueryKeyMode = "Exclude"
)

// CacheKey says what of a request tells objects apart. Host (without its port), path and query always do. What is not in
// the key still reaches the origin.
type CacheKey struct {
	// QueryMode says which parameters of the query are part of the key; empty is All.
	QueryMode QueryKeyMode `json:"queryMode,omitempty" jsonschema:"enum=All,enum=Include,enum=Exclude"`
	// QueryNames are the parameters that Include or Exclude names. A name with an asterisk at its end is a prefix.
	QueryNames []string `json:"queryNames,omitempty"`
	// SortQuery makes the order of parameters of different names not matter.
	SortQuery bool `json:"sortQuery,omitzero"`
	// Headers whose values are part of the key, names in lower case.
	Headers []string `json:"headers,omitempty"`
	// Cookies whose values are part of the key.
	Cookies []string `json:"cookies,omitempty"`
	// Languages that the origin has. The one that fits Accept-Language best (RFC 4647 section 3.4) is part of the key, and
	// the first one where none fits.
	Languages []string `json:"languages,omitempty"`
	// Scheme makes http and https different objects.
	Scheme bool `json:"scheme,omitzero"`
}

// CacheBypass says which requests are passed. A name with an asterisk at its end is a prefix.
type CacheBypass struct {
	// Cookies of which any one makes a request pass.
	Cookies []string `json:"cookies,omitempty"`
	// Headers of which any one makes a request pass, names in lower case.
	Headers []string `json:"headers,omitempty"`
}

// CacheStorage says which answers are stored, and how.
type CacheStorage struct {
	// SetCookie stores answers with Set-Cookie, and delivers the cookie with every hit.
	SetCookie bool `json:"setCookie,omitzero"`
	// MaxSize in bytes of a body that is stored; 0 is no bound. A larger answer is passed on.
	MaxSize int64 `json:"maxSize,omitzero" jsonschema:"minimum=0"`
	// Compress stores text that comes without Content-Encoding in gzip.
	Compress bool `json:"compress,omitzero"`
	// ESI carries out Edge Side Includes in HTML and XML.
	ESI bool `json:"esi,omitzero"`
	// TagsHeader is the response header that lists an object's tags, in lower case. It reaches no client.
	TagsHeader string `json:"tagsHeader,omitempty"`
	// HitForMissTTL is how long the gateway remembers that an answer cannot be stored, so that requests for it do not
	// wait for each other; absent: 120,000.
	HitForMissTTL *int64 `json:"hitForMissTTL,omitempty" jsonschema:"minimum=0"`
}

// CacheResponse says what clients are told, and what is heard from them.
type CacheResponse struct {
	// CacheControl is what clients are told instead of what the origin says; empty: what the origin says.
	CacheControl string `json:"cacheControl,omitempty"`
	// HideStatus leaves Cache-Status (RFC 9211) out.
	HideStatus bool `json:"hideStatus,omitzero"`
	// StatusKey puts the key into Cache-Status.
	StatusKey bool `json:"statusKey,omitzero"`
	// HonorRequest heeds Cache-Control of requests (RFC 9111 section 5.2.1): no-cache, no-store, max-age, min-fresh,
	// max-stale, only-if-cached.
	HonorRequest bool `json:"honorRequest,omitzero"`
}

// idLength is the number of hexadecimal digits in the ID of a cache policy.
const idLength = 20

// CachePolicyID gives the ID of a policy, from everything in it but the ID.
func CachePolicyID(policy CachePolicy) (string, error) {
	policy.ID = ""
	data, err := contract.Encode(policy)
	if err != nil {
		return "", fmt.Errorf("encode a cache policy: %w", err)
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])[:idLength], nil
}
