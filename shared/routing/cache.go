package routing

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/varnish-gateway/gateway/shared/contract"
)

// CachePolicy says how answers to the requests of the rules that name it are cached. It is what is left of all
// VarnishCachePolicy objects that hold for such a rule, field by field. Times are in whole seconds.
//
// A reader that cannot use a policy as it stands (an unmet need, a problem in a field) caches nothing for its rules: their
// requests are passed.
type CachePolicy struct {
	// ID is made of the rest of the record by CachePolicyID: another content is another policy.
	ID string `json:"id" jsonschema:"minLength=1"`
	// Policies are the VarnishCachePolicy objects ("namespace/name") that the fields come from, the most specific first.
	Policies []string `json:"policies,omitempty"`
	// Zone is what rules of one namespace share objects by: those whose policies name the same zone, by the URL that their
	// backends are asked for. Empty: every rule has objects of its own.
	Zone string `json:"zone,omitempty"`
	// Freshness says how long answers are fresh, and how long they may be served stale.
	Freshness CacheFreshness `json:"freshness,omitempty"`
	// Key says what of a request, beside host, path and query, tells objects apart.
	Key CacheKey `json:"key,omitempty"`
	// Bypass says which requests are passed.
	Bypass CacheBypass `json:"bypass,omitempty"`
	// Storage says which answers are stored, and how.
	Storage CacheStorage `json:"storage,omitempty"`
	// Client says what clients are told of the cache, and what is heard from them.
	Client CacheClient `json:"client,omitempty"`
	// Needs names the features without which a reader must pass the requests of these rules.
	Needs []Feature `json:"needs,omitempty"`
}

// CacheFreshness says how long answers are fresh, and how long they may be served stale (RFC 9111 section 4.2, RFC 5861).
type CacheFreshness struct {
	// DefaultTTL of answers whose origin says nothing of freshness; absent: they are not stored.
	DefaultTTL *int64 `json:"defaultTTL,omitzero" jsonschema:"minimum=0"`
	// MinTTL is the least that the origin can say, for a status below 400.
	MinTTL *int64 `json:"minTTL,omitzero" jsonschema:"minimum=0"`
	// MaxTTL is the most that the origin can say.
	MaxTTL *int64 `json:"maxTTL,omitzero" jsonschema:"minimum=0"`
	// HeuristicPercent of the time since Last-Modified is the TTL where the origin says nothing else (RFC 9111 section
	// 4.2.2); absent: 10, and 0 is no heuristic.
	HeuristicPercent *int32 `json:"heuristicPercent,omitzero" jsonschema:"minimum=0,maximum=100"`
	// HeuristicMax is the longest TTL by heuristic; absent: 3600.
	HeuristicMax *int64 `json:"heuristicMax,omitzero" jsonschema:"minimum=0"`
	// ByStatus sets the TTL of answers by status. The first entry that has the status counts.
	ByStatus []StatusTTL `json:"byStatus,omitempty"`
	// StaleWhileRevalidate is how long a stale answer is served while a new one is fetched (RFC 5861 section 3).
	StaleWhileRevalidate StaleWindow `json:"staleWhileRevalidate,omitempty"`
	// StaleIfError is how long a stale answer is served where the origin fails (RFC 5861 section 4).
	StaleIfError StaleWindow `json:"staleIfError,omitempty"`
	// Keep is how long a stale answer is kept beyond that, for conditional requests to the origin; absent: 3600.
	Keep *int64 `json:"keep,omitzero" jsonschema:"minimum=0"`
	// TargetedFields are the fields that stand in the place of Cache-Control, the first that is there (RFC 9213), names in
	// lower case; absent: varnish-gateway-cache-control and cdn-cache-control.
	TargetedFields []string `json:"targetedFields,omitempty"`
}

// StatusTTL sets the TTL of answers by status.
type StatusTTL struct {
	// Status is a status code ("404") or a class of them ("5xx").
	Status string `json:"status" jsonschema:"pattern=^[2-5]([0-9][0-9]|xx)$"`
	// TTL of these answers; 0: they are not stored.
	TTL int64 `json:"ttl" jsonschema:"minimum=0"`
	// Mode says how strong it is; empty is Default.
	Mode TTLMode `json:"mode,omitempty" jsonschema:"enum=Default,enum=Override,enum=Force"`
}

// TTLMode says how strong a TTL is.
type TTLMode string

// How strong a TTL is.
const (
	// TTLDefault holds where the origin says nothing.
	TTLDefault TTLMode = "Default"
	// TTLOverride holds whatever TTL the origin says. What the origin forbids stays forbidden.
	TTLOverride TTLMode = "Override"
	// TTLForce holds against no-store, private and no-cache, too.
	TTLForce TTLMode = "Force"
)

// StaleWindow says how long a stale answer is served.
type StaleWindow struct {
	// Default where the origin neither says nor forbids it, for a status below 500.
	Default int64 `json:"default,omitzero" jsonschema:"minimum=0"`
	// Max is the most that the origin can say.
	Max *int64 `json:"max,omitzero" jsonschema:"minimum=0"`
	// Override holds in the place of what the origin says, unless it forbids stale answers.
	Override *int64 `json:"override,omitzero" jsonschema:"minimum=0"`
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
	// QueryNames are the parameters that Include or Exclude names. An asterisk at the end stands for anything.
	QueryNames []string `json:"queryNames,omitempty"`
	// SortQuery makes the order of parameters of different names not matter.
	SortQuery bool `json:"sortQuery,omitzero"`
	// Headers whose values are part of the key, names in lower case.
	Headers []string `json:"headers,omitempty"`
	// Cookies whose values are part of the key. An asterisk at the end stands for anything.
	Cookies []string `json:"cookies,omitempty"`
	// Encodings that are told apart, the preferred one first: the best that Accept-Encoding allows is part of the key.
	Encodings []string `json:"encodings,omitempty" jsonschema:"enum=br,enum=gzip,enum=zstd"`
	// Languages that the origin has. The one that fits Accept-Language best (RFC 4647 section 3.4) is part of the key, and
	// the first one where none fits.
	Languages []string `json:"languages,omitempty"`
	// Scheme makes http and https different objects.
	Scheme bool `json:"scheme,omitzero"`
}

// CacheBypass says which requests are passed. Those of other methods than GET and HEAD always are.
type CacheBypass struct {
	// Cookies of which any one makes a request pass. An asterisk at the end stands for anything.
	Cookies []string `json:"cookies,omitempty"`
	// Headers of which any one makes a request pass.
	Headers []BypassHeader `json:"headers,omitempty"`
}

// BypassHeader makes a request pass.
type BypassHeader struct {
	// Name of the field, in lower case.
	Name string `json:"name" jsonschema:"minLength=1"`
	// Value of one of its lines; absent: any value.
	Value *string `json:"value,omitzero"`
}

// SetCookieMode says what becomes of an answer with Set-Cookie.
type SetCookieMode string

// What becomes of an answer with Set-Cookie.
const (
	// SetCookieRefuse does not store it.
	SetCookieRefuse SetCookieMode = "Refuse"
	// SetCookieRemove stores it without the cookie, which nobody gets then.
	SetCookieRemove SetCookieMode = "Remove"
	// SetCookieStore stores it with the cookie, which everybody gets.
	SetCookieStore SetCookieMode = "Store"
)

// AuthorizationMode says what becomes of a request with Authorization.
type AuthorizationMode string

// What becomes of a request with Authorization.
const (
	// AuthorizationRFC9111 stores the answer where the origin allows it (RFC 9111 section 3.5).
	AuthorizationRFC9111 AuthorizationMode = "RFC9111"
	// AuthorizationBypass passes it.
	AuthorizationBypass AuthorizationMode = "Bypass"
	// AuthorizationIgnore takes it for any other request.
	AuthorizationIgnore AuthorizationMode = "Ignore"
)

// CacheStorage says which answers are stored, and how.
type CacheStorage struct {
	// SetCookie says what becomes of answers with Set-Cookie; empty is Refuse.
	SetCookie SetCookieMode `json:"setCookie,omitempty" jsonschema:"enum=Refuse,enum=Remove,enum=Store"`
	// Authorization says what becomes of requests with Authorization; empty is RFC9111.
	Authorization AuthorizationMode `json:"authorization,omitempty" jsonschema:"enum=RFC9111,enum=Bypass,enum=Ignore"`
	// MaxSize in bytes of a body that is stored; absent: no bound. A larger answer is passed on.
	MaxSize *int64 `json:"maxSize,omitzero" jsonschema:"minimum=0"`
	// Compress stores text that comes without Content-Encoding in gzip.
	Compress bool `json:"compress,omitzero"`
	// ESI carries out Edge Side Includes in HTML and XML.
	ESI bool `json:"esi,omitzero"`
	// TagsHeader is the response header that lists an object's tags, in lower case. It reaches no client.
	TagsHeader string `json:"tagsHeader,omitempty"`
	// HitForMissTTL is how long the gateway remembers that an answer cannot be stored, so that requests for it do not
	// wait for each other; absent: 120.
	HitForMissTTL *int64 `json:"hitForMissTTL,omitzero" jsonschema:"minimum=0"`
}

// CacheClient says what clients are told of the cache, and what is heard from them.
type CacheClient struct {
	// CacheControl is what clients are told in the place of the origin's; absent: what the origin says.
	CacheControl *ClientCacheControl `json:"cacheControl,omitzero"`
	// HideStatus leaves Cache-Status (RFC 9211) out.
	HideStatus bool `json:"hideStatus,omitzero"`
	// StatusKey puts the key into Cache-Status.
	StatusKey bool `json:"statusKey,omitzero"`
	// HonorRequest heeds Cache-Control of requests (RFC 9111 section 5.2.1).
	HonorRequest bool `json:"honorRequest,omitzero"`
}

// ClientCacheControl is a Cache-Control for clients.
type ClientCacheControl struct {
	// MaxAge is how long a client may keep the answer from when it gets it; absent: nothing is said.
	MaxAge *int64 `json:"maxAge,omitzero" jsonschema:"minimum=0"`
	// Directives beside it, as they stand in the field: "public, immutable".
	Directives string `json:"directives,omitempty"`
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
