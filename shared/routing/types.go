// Package routing is the contract between the operator and chaperone: the types of routing.json.
//
// The operator writes one routing.json for each Gateway; chaperone merges it with EndpointSlices into
// ghost.json (package ghostconf), which carries the same route records. A reader ignores what it does
// not know, unless the record names it in its Needs: then that record answers 500.
package routing

// Config is the whole of routing.json.
type Config struct {
	// Version of this contract, as "major.minor.patch". A reader refuses any other major than its own.
	Version string `json:"version" jsonschema:"pattern=^1\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)$"`
	// Sequence grows by one whenever the rest of the content changes, and never otherwise.
	Sequence int64 `json:"sequence" jsonschema:"minimum=0"`
	// Gateway is the Gateway that this configuration belongs to.
	Gateway Gateway `json:"gateway"`
	Settings
	// Listeners in the order of the Gateway's specification.
	Listeners []Listener `json:"listeners"`
	// CachePolicies that rules name, ordered by ID. Empty where Shards is not. Since 1.1.
	CachePolicies []CachePolicy `json:"cachePolicies,omitempty"`
	// Routes, ordered by namespace and name. Empty where Shards is not.
	Routes []Route `json:"routes,omitempty"`
	// Services that the routes refer to, ordered by ID. Empty where Shards is not.
	Services []Service `json:"services,omitempty"`
	// Shards name the further ConfigMaps that hold the routes, services and cache policies of a large Gateway.
	Shards []ShardRef `json:"shards,omitempty"`
}

// Gateway identifies a Gateway object.
type Gateway struct {
	// Namespace of the Gateway.
	Namespace string `json:"namespace" jsonschema:"minLength=1"`
	// Name of the Gateway.
	Name string `json:"name" jsonschema:"minLength=1"`
	// UID of the Gateway; absent where there is no API server.
	UID string `json:"uid,omitempty"`
}

// Protocol of a listener.
type Protocol string

// Protocols that a listener can have.
const (
	ProtocolHTTP  Protocol = "HTTP"
	ProtocolHTTPS Protocol = "HTTPS"
)

// Listener is one listener of the Gateway. Listeners that share a port share the socket and are told
// apart by hostname: the most specific one that matches a request's host serves it, alone.
type Listener struct {
	// Name tells the listener from all others: the section name of a listener of the Gateway itself, or
	// "namespace/name/section" of a ListenerSet's. A section name has no slash.
	Name string `json:"name" jsonschema:"minLength=1"`
	// Socket is the name of the Varnish socket: lower-case protocol, dash, port ("https-443").
	Socket string `json:"socket" jsonschema:"pattern=^https?-[1-9][0-9]*$"`
	// Port that clients connect to.
	Port int32 `json:"port" jsonschema:"minimum=1,maximum=65535"`
	// Protocol spoken on the port.
	Protocol Protocol `json:"protocol" jsonschema:"enum=HTTP,enum=HTTPS"`
	// Hostname that the listener serves: exact, "*.suffix", or empty for every host.
	Hostname string `json:"hostname,omitempty"`
	// Certificates are the base names of the keys in the Gateway's TLS Secret ("<name>.crt" and
	// "<name>.key") that the listener may present, in the order of its specification.
	Certificates []string `json:"certificates,omitempty"`
	// Needs names the features without which this record must answer 500.
	Needs []Feature `json:"needs,omitempty"`
}

// Route is one HTTPRoute, with the listeners of this Gateway that it is attached to.
type Route struct {
	// Namespace of the HTTPRoute.
	Namespace string `json:"namespace" jsonschema:"minLength=1"`
	// Name of the HTTPRoute.
	Name string `json:"name" jsonschema:"minLength=1"`
	// UID of the HTTPRoute. Identities that outlive a reload are built from it.
	UID string `json:"uid" jsonschema:"minLength=1"`
	// Attachments in the order of the Gateway's listeners.
	Attachments []Attachment `json:"attachments"`
	// Rules in the order of the HTTPRoute.
	Rules []Rule `json:"rules"`
}

// Attachment says at which listener a route serves, and for which of its own hostnames.
type Attachment struct {
	// Listener is the name of a listener.
	Listener string `json:"listener"`
	// Hostnames are the route's own hostnames that intersect with the listener's: exact or
	// "*.suffix". Empty means every host of the listener.
	Hostnames []string `json:"hostnames,omitempty"`
	// CachePolicies are the IDs of the policies of the rules at this listener, in the order of the rules; an empty ID is a
	// rule whose requests are passed. Absent where the rules' own policies hold. Since 1.1.
	CachePolicies []string `json:"cachePolicies,omitempty"`
}

// Rule is one rule of a route: a request that fits any of the matches is served by the backends.
type Rule struct {
	// ID outlives reloads and reordering: the route's UID with the rule's name, or with the digest of
	// its matches. Cache objects, connection pools and metrics are identified by it.
	ID string `json:"id" jsonschema:"minLength=1"`
	// Matches of which any one suffices. Never empty: the operator writes the default match.
	Matches []Match `json:"matches" jsonschema:"minItems=1"`
	// Filters in the order in which they apply.
	Filters []Filter `json:"filters,omitempty"`
	// Backends to choose from by weight. A rule without any, and without a redirect, answers 500.
	Backends []Backend `json:"backends,omitempty"`
	// CachePolicy is the ID of the policy by which answers are cached; empty: requests are passed. Since 1.1.
	CachePolicy string `json:"cachePolicy,omitempty"`
	// Invalid says why the whole rule can only answer 500; empty where it is sound.
	Invalid string `json:"invalid,omitempty"`
	// Needs names the features without which this record must answer 500.
	Needs []Feature `json:"needs,omitempty"`
}

// Match holds the conditions of which every one must hold.
type Match struct {
	// Path condition; always present.
	Path PathMatch `json:"path"`
	// Method that the request must have; empty for any.
	Method string `json:"method,omitempty"`
	// Headers that the request must have, names in lower case, each name once.
	Headers []ValueMatch `json:"headers,omitempty"`
	// QueryParams that the request must have, names case-sensitive, each name once.
	QueryParams []ValueMatch `json:"queryParams,omitempty"`
	// Rank orders this match among all matches of equal hostname specificity.
	Rank Rank `json:"rank"`
}

// PathMatchType says how a path is compared.
type PathMatchType string

// Ways to compare a path.
const (
	PathExact  PathMatchType = "Exact"
	PathPrefix PathMatchType = "PathPrefix"
	PathRegex  PathMatchType = "RegularExpression"
)

// PathMatch is a condition on the request's path, without its query.
type PathMatch struct {
	// Type says how the path is compared.
	Type PathMatchType `json:"type" jsonschema:"enum=Exact,enum=PathPrefix,enum=RegularExpression"`
	// Value of the condition. A PathPrefix carries no trailing slash, except "/" itself, and is
	// compared by whole segments. A RegularExpression must match the whole path.
	Value string `json:"value"`
}

// ValueMatchType says how the value of a header or query parameter is compared.
type ValueMatchType string

// Ways to compare a value.
const (
	ValueExact ValueMatchType = "Exact"
	ValueRegex ValueMatchType = "RegularExpression"
)

// ValueMatch is a condition on one header or query parameter. An exact value is compared byte for byte;
// a RegularExpression must match the whole value.
type ValueMatch struct {
	// Type says how the value is compared.
	Type ValueMatchType `json:"type" jsonschema:"enum=Exact,enum=RegularExpression"`
	// Name of the header or query parameter.
	Name string `json:"name" jsonschema:"minLength=1"`
	// Value that it must have, or must match.
	Value string `json:"value"`
}

// Rank is a place in the one total order of matches, decided by the operator. Of two, the one that
// Compare puts first is tried first; no reader needs to know what the fields stand for.
type Rank struct {
	// Order is compared first, number by number; the smaller goes first.
	Order []int64 `json:"order"`
	// Name is compared second, byte by byte.
	Name string `json:"name"`
	// Position is compared last, number by number.
	Position []int64 `json:"position"`
}

// FilterType names a filter as the Gateway API does.
type FilterType string

// Filters of contract 1.0.
const (
	FilterRequestHeaderModifier  FilterType = "RequestHeaderModifier"
	FilterResponseHeaderModifier FilterType = "ResponseHeaderModifier"
	FilterRequestRedirect        FilterType = "RequestRedirect"
	FilterURLRewrite             FilterType = "URLRewrite"
)

// Filter changes a request or its answer. Exactly the field that Type names is set.
type Filter struct {
	// Type names the filter.
	Type FilterType `json:"type" jsonschema:"enum=RequestHeaderModifier,enum=ResponseHeaderModifier,enum=RequestRedirect,enum=URLRewrite"`
	// RequestHeaderModifier changes what the backend is sent.
	RequestHeaderModifier *HeaderModifier `json:"requestHeaderModifier,omitzero"`
	// ResponseHeaderModifier changes what the client is answered.
	ResponseHeaderModifier *HeaderModifier `json:"responseHeaderModifier,omitzero"`
	// RequestRedirect answers instead of a backend.
	RequestRedirect *RequestRedirect `json:"requestRedirect,omitzero"`
	// URLRewrite changes the host and path that the backend sees.
	URLRewrite *URLRewrite `json:"urlRewrite,omitzero"`
}

// HeaderModifier changes headers: first it removes, then it sets (replacing every copy), then it adds.
type HeaderModifier struct {
	// Set replaces every line of each name by one.
	Set []Header `json:"set,omitempty"`
	// Add puts a further line of each name behind those that are there.
	Add []Header `json:"add,omitempty"`
	// Remove takes away every line of each name.
	Remove []string `json:"remove,omitempty"`
}

// Header is a header field.
type Header struct {
	// Name of the field; its case does not matter. Not one that the gateway writes itself.
	Name string `json:"name" jsonschema:"minLength=1"`
	// Value of the field, without control characters other than the tab.
	Value string `json:"value"`
}

// RequestRedirect answers with a redirect. What is not set is taken from the request, as the Gateway API
// says for HTTPRequestRedirectFilter.
type RequestRedirect struct {
	// Scheme of the Location: "http" or "https"; empty for the listener's.
	Scheme string `json:"scheme,omitempty" jsonschema:"enum=http,enum=https"`
	// Hostname of the Location; empty for the request's.
	Hostname string `json:"hostname,omitempty"`
	// Path of the Location; nil for the request's.
	Path *PathModifier `json:"path,omitzero"`
	// Port of the Location; 0 for the scheme's own if Scheme is set, else the listener's.
	Port int32 `json:"port,omitzero" jsonschema:"minimum=1,maximum=65535"`
	// StatusCode of the answer: 301, 302, 303, 307 or 308.
	StatusCode int `json:"statusCode" jsonschema:"enum=301,enum=302,enum=303,enum=307,enum=308"`
}

// URLRewrite changes the host and path that the backend sees.
type URLRewrite struct {
	// Hostname that the backend sees; empty for the request's.
	Hostname string `json:"hostname,omitempty"`
	// Path that the backend sees; nil for the request's.
	Path *PathModifier `json:"path,omitzero"`
}

// PathModifierType says which part of the path is replaced.
type PathModifierType string

// Parts of a path that can be replaced.
const (
	ReplaceFullPath    PathModifierType = "ReplaceFullPath"
	ReplacePrefixMatch PathModifierType = "ReplacePrefixMatch"
)

// PathModifier replaces the whole path, or the part that the PathPrefix matched. The query is kept.
type PathModifier struct {
	// Type says which part is replaced.
	Type PathModifierType `json:"type" jsonschema:"enum=ReplaceFullPath,enum=ReplacePrefixMatch"`
	// Value is what stands there instead.
	Value string `json:"value"`
}

// Backend is one backendRef of a rule.
type Backend struct {
	// Service is the ID of an entry of the service table; empty where Invalid is set.
	Service string `json:"service,omitempty"`
	// Weight is this backend's share of the sum of all weights; 0 gets nothing.
	Weight int32 `json:"weight" jsonschema:"minimum=0,maximum=1000000"`
	// Filters apply after the rule's, to requests that go to this backend.
	Filters []Filter `json:"filters,omitempty"`
	// Invalid is the reason (as in the route's ResolvedRefs condition) why this backend's share
	// answers 500; empty where it is sound.
	Invalid string `json:"invalid,omitempty"`
	// Needs names the features without which this record must answer 500.
	Needs []Feature `json:"needs,omitempty"`
}

// Service is one port of a Kubernetes Service. Its endpoints stand in EndpointSlices.
type Service struct {
	// ID is "namespace/name:port".
	ID string `json:"id" jsonschema:"minLength=1"`
	// Namespace of the Service.
	Namespace string `json:"namespace" jsonschema:"minLength=1"`
	// Name of the Service.
	Name string `json:"name" jsonschema:"minLength=1"`
	// Port is the Service's port number.
	Port int32 `json:"port" jsonschema:"minimum=1,maximum=65535"`
	// PortName is the name of the Service's port, which its EndpointSlices repeat; may be empty.
	PortName string `json:"portName,omitempty"`
	// Needs names the features without which this record must answer 500.
	Needs []Feature `json:"needs,omitempty"`
}

// ShardRef names one shard and the digest of its bytes. A reader switches only to a complete set.
type ShardRef struct {
	// Name of the shard: "00" to "31". The gatewaypod package says how its ConfigMap is named.
	Name string `json:"name" jsonschema:"pattern=^([0-2][0-9]|3[01])$"`
	// Digest is the SHA-256 of the shard's bytes, in lower-case hexadecimal.
	Digest string `json:"digest" jsonschema:"pattern=^[0-9a-f]{64}$"`
}

// Shard is the content of one shard, key "routes.json".
type Shard struct {
	// Version of the contract, as in routing.json.
	Version string `json:"version" jsonschema:"pattern=^1\\.(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*)$"`
	// Routes that are in this shard, ordered by namespace and name.
	Routes []Route `json:"routes,omitempty"`
	// Services that are in this shard, ordered by ID.
	Services []Service `json:"services,omitempty"`
	// CachePolicies that are in this shard, ordered by ID. Since 1.1.
	CachePolicies []CachePolicy `json:"cachePolicies,omitempty"`
}

// Feature is something that a record needs its reader to know.
type Feature string
