package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// VarnishCachePolicy says how answers to the requests of its targets are cached. Without a policy nothing is cached.
//
// A policy can target a Gateway, a listener of one (sectionName), an HTTPRoute, or a named rule of one (sectionName), in its
// own namespace. Where several hold for a rule, the most specific one that sets a field decides that field: that of the rule,
// then of the route, of the listener, of the Gateway. Of two of the same target the older one holds, and the other is in
// conflict.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:categories=gateway-api,shortName=vcp
// +kubebuilder:metadata:labels="gateway.networking.k8s.io/policy=Inherited"
// +kubebuilder:printcolumn:name="Accepted",type=string,JSONPath=`.status.ancestors[*].conditions[?(@.type=="Accepted")].status`
// +kubebuilder:printcolumn:name="Age",type=date,JSONPath=`.metadata.creationTimestamp`
type VarnishCachePolicy struct {
	metav1.TypeMeta `json:",inline"`
	// +optional
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Spec of the policy.
	// +required
	Spec VarnishCachePolicySpec `json:"spec"`

	// Status of the policy, below each Gateway that it holds for.
	// +optional
	Status gatewayv1.PolicyStatus `json:"status,omitempty"`
}

// VarnishCachePolicySpec says what is cached, by which key, and for how long.
type VarnishCachePolicySpec struct {
	// TargetRefs name the objects, of the policy's own namespace, that the policy holds for.
	//
	// +required
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:XValidation:message="must be Gateways or HTTPRoutes of the group gateway.networking.k8s.io",rule="self.all(r, r.group == 'gateway.networking.k8s.io' && (r.kind == 'Gateway' || r.kind == 'HTTPRoute'))"
	// +kubebuilder:validation:XValidation:message="must be different",rule="self.all(a, self.exists_one(b, a.kind == b.kind && a.name == b.name && (has(a.sectionName) ? a.sectionName : '') == (has(b.sectionName) ? b.sectionName : '')))"
	TargetRefs []gatewayv1.LocalPolicyTargetReferenceWithSectionName `json:"targetRefs"`

	// Mode says whether answers are cached: Cache, or Pass, which undoes a policy of a wider target. Cache where no policy
	// says anything.
	// +optional
	Mode CacheMode `json:"mode,omitempty"`

	// Zone lets rules share objects: those whose policies, of one namespace, name the same zone, and whose routes are in one
	// namespace. They share by the URL that their backends are asked for. Without it, every rule has objects of its own, so
	// that two rules that rewrite to one URL never answer for each other.
	// +optional
	// +kubebuilder:validation:MaxLength=63
	// +kubebuilder:validation:Pattern=`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`
	Zone string `json:"zone,omitempty"`

	// Freshness says how long answers are fresh, and how long they may be served stale.
	// +optional
	Freshness *CacheFreshness `json:"freshness,omitempty"`

	// Key says what of a request tells objects apart, beside its host, path and query.
	// +optional
	Key *CacheKey `json:"key,omitempty"`

	// Bypass says which requests are passed to the backend, and their answers not stored.
	// +optional
	Bypass *CacheBypass `json:"bypass,omitempty"`

	// Storage says which answers are stored, and how.
	// +optional
	Storage *CacheStorage `json:"storage,omitempty"`

	// Client says what clients are told of the cache, and what is heard from them.
	// +optional
	Client *CacheClient `json:"client,omitempty"`
}

// CacheMode says whether answers are cached.
//
// +kubebuilder:validation:Enum=Cache;Pass
type CacheMode string

// Whether answers are cached.
const (
	// CacheModeCache caches them.
	CacheModeCache CacheMode = "Cache"
	// CacheModePass passes every request.
	CacheModePass CacheMode = "Pass"
)

// CacheFreshness says how long answers are fresh, and how long they may be served stale. What the origin says holds first, by
// the targeted fields (RFC 9213), Cache-Control and Expires (RFC 9111), in this order.
//
// +kubebuilder:validation:XValidation:message="minTTL must not be longer than maxTTL",rule="!has(self.minTTL) || !has(self.maxTTL) || duration(self.minTTL) <= duration(self.maxTTL)"
type CacheFreshness struct {
	// DefaultTTL of answers whose origin says nothing of freshness: those of status 200, 203, 204, 300, 301 and 308, and those
	// that the origin calls public. Without it, and without a heuristic, they are not cached. Errors need an entry in byStatus.
	// +optional
	DefaultTTL *CacheDuration `json:"defaultTTL,omitempty"`

	// MinTTL is the least that the origin can say, for a status below 400.
	// +optional
	MinTTL *CacheDuration `json:"minTTL,omitempty"`

	// MaxTTL is the most that the origin can say.
	// +optional
	MaxTTL *CacheDuration `json:"maxTTL,omitempty"`

	// Heuristic gives a TTL to answers whose origin says nothing but Last-Modified (RFC 9111 section 4.2.2). Where it is not
	// given, it is 10 percent of the time since then, and one hour at most.
	// +optional
	Heuristic *Heuristic `json:"heuristic,omitempty"`

	// ByStatus sets TTLs by status. The first entry that names a status counts. Where no entry names an error, it is cached
	// only if the origin says so.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	ByStatus []StatusTTL `json:"byStatus,omitempty"`

	// StaleWhileRevalidate is how long a stale answer is served while the backend is asked for a new one (RFC 5861 section 3).
	// +optional
	StaleWhileRevalidate *StaleWindow `json:"staleWhileRevalidate,omitempty"`

	// StaleIfError is how long a stale answer is served where the backend fails (RFC 5861 section 4).
	// +optional
	StaleIfError *StaleWindow `json:"staleIfError,omitempty"`

	// Keep is how long a stale answer is kept beyond that, for conditional requests to the backend; one hour where it is not
	// given.
	// +optional
	Keep *CacheDuration `json:"keep,omitempty"`

	// TargetedFields are response headers in the place of Cache-Control, the first that is there and can be read (RFC 9213).
	// Varnish-Gateway-Cache-Control and CDN-Cache-Control where it is not given.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=8
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:Pattern="^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$"
	TargetedFields []string `json:"targetedFields,omitempty"`
}

// CacheDuration is a time of whole seconds, in hours, minutes and seconds: "90s", "1h30m".
//
// +kubebuilder:validation:Pattern=`^([0-9]{1,6}(h|m|s)){1,3}$`
type CacheDuration string

// Heuristic gives a TTL by Last-Modified.
type Heuristic struct {
	// Percent of the time since Last-Modified; 0 is no heuristic.
	// +required
	// +kubebuilder:validation:Minimum=0
	// +kubebuilder:validation:Maximum=100
	Percent int32 `json:"percent"`

	// Max is the longest TTL that it gives; one hour where it is not given.
	// +optional
	Max *CacheDuration `json:"max,omitempty"`
}

// StatusTTL sets the TTL of answers by status.
type StatusTTL struct {
	// Statuses are status codes ("404") and classes of them ("5xx").
	// +required
	// +listType=set
	// +kubebuilder:validation:MinItems=1
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:Pattern=`^[2-5]([0-9][0-9]|xx)$`
	Statuses []string `json:"statuses"`

	// TTL of these answers; 0s: they are not cached.
	// +required
	TTL CacheDuration `json:"ttl"`

	// Mode says how strong the TTL is. Default: where the origin says nothing. Override: whatever TTL the origin says. Force:
	// against no-store, private and no-cache as well, which no shared cache may do unless it acts for the origin.
	// +optional
	// +kubebuilder:default=Default
	Mode TTLMode `json:"mode,omitempty"`
}

// TTLMode says how strong a TTL is.
//
// +kubebuilder:validation:Enum=Default;Override;Force
type TTLMode string

// How strong a TTL is.
const (
	// TTLDefault holds where the origin says nothing.
	TTLDefault TTLMode = "Default"
	// TTLOverride holds whatever TTL the origin says.
	TTLOverride TTLMode = "Override"
	// TTLForce holds whatever the origin says.
	TTLForce TTLMode = "Force"
)

// StaleWindow says how long a stale answer is served. An origin that forbids it (must-revalidate, no-cache) is heeded.
type StaleWindow struct {
	// Default where the origin says nothing of it, for a status below 500.
	// +optional
	Default *CacheDuration `json:"default,omitempty"`

	// Max is the most that the origin can say.
	// +optional
	Max *CacheDuration `json:"max,omitempty"`

	// Override holds in the place of what the origin says.
	// +optional
	Override *CacheDuration `json:"override,omitempty"`
}

// QueryKeyMode says which query parameters are part of the key.
//
// +kubebuilder:validation:Enum=All;Include;Exclude
type QueryKeyMode string

// Which query parameters are part of the key.
const (
	// QueryKeyAll takes all of them.
	QueryKeyAll QueryKeyMode = "All"
	// QueryKeyInclude takes those that are named.
	QueryKeyInclude QueryKeyMode = "Include"
	// QueryKeyExclude takes all but those that are named.
	QueryKeyExclude QueryKeyMode = "Exclude"
)

// CacheKey says what of a request tells objects apart. Host and path always do. What is not in the key still reaches the
// backend with the request that fetches an object.
type CacheKey struct {
	// Query says which query parameters are part of the key; all, in their order, where it is not given.
	// +optional
	Query *QueryKey `json:"query,omitempty"`

	// Headers whose values are part of the key.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:Pattern="^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$"
	Headers []string `json:"headers,omitempty"`

	// Cookies whose values are part of the key. An asterisk at the end stands for anything.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=16
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:Pattern="^[A-Za-z0-9!#$%&'+\\-.^_\\x60|~]*[*]?$"
	Cookies []string `json:"cookies,omitempty"`

	// Encodings that the backend has, the preferred one first. The best that Accept-Encoding allows is part of the key.
	// Without it, what the backend says in Vary tells objects apart, and gzip is stored once for everybody.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=3
	// +kubebuilder:validation:items:Enum=br;gzip;zstd
	Encodings []string `json:"encodings,omitempty"`

	// Languages that the backend has. The one that fits Accept-Language best is part of the key, and the first
	// one where none fits.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MaxLength=35
	// +kubebuilder:validation:items:Pattern=`^[A-Za-z0-9]{1,8}(-[A-Za-z0-9]{1,8})*$`
	Languages []string `json:"languages,omitempty"`

	// Scheme makes answers to http and https different objects.
	// +optional
	Scheme *bool `json:"scheme,omitempty"`
}

// QueryKey says which query parameters are part of the key.
//
// +kubebuilder:validation:XValidation:message="names belong to the modes Include and Exclude",rule="self.mode == 'All' ? !has(self.names) : has(self.names)"
type QueryKey struct {
	// Mode says whether the parameters that are named are the key's, or all others are.
	// +optional
	// +kubebuilder:default=All
	Mode QueryKeyMode `json:"mode,omitempty"`

	// Names of parameters. An asterisk at the end stands for anything: "utm_*".
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:Pattern="^[^*]*[*]?$"
	Names []string `json:"names,omitempty"`

	// Sort makes the order of parameters of different names not matter.
	// +optional
	Sort *bool `json:"sort,omitempty"`
}

// CacheBypass says which requests are passed. Requests of other methods than GET and HEAD always are.
type CacheBypass struct {
	// Cookies of which any one makes a request pass. An asterisk at the end stands for anything. Cookies that are named
	// neither here nor in the key change nothing.
	// +optional
	// +listType=set
	// +kubebuilder:validation:MaxItems=64
	// +kubebuilder:validation:items:MinLength=1
	// +kubebuilder:validation:items:MaxLength=256
	// +kubebuilder:validation:items:Pattern="^[A-Za-z0-9!#$%&'+\\-.^_\\x60|~]*[*]?$"
	Cookies []string `json:"cookies,omitempty"`

	// Headers of which any one makes a request pass.
	// +optional
	// +listType=atomic
	// +kubebuilder:validation:MaxItems=64
	Headers []BypassHeader `json:"headers,omitempty"`
}

// BypassHeader makes a request pass.
type BypassHeader struct {
	// Name of the header.
	// +required
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern="^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$"
	Name string `json:"name"`

	// Value that one of its lines must have; any value where it is not given.
	// +optional
	// +kubebuilder:validation:MaxLength=1024
	Value *string `json:"value,omitempty"`
}

// SetCookieMode says what becomes of an answer with Set-Cookie.
//
// +kubebuilder:validation:Enum=Refuse;Remove;Store
type SetCookieMode string

// What becomes of an answer with Set-Cookie.
const (
	// SetCookieRefuse does not cache it.
	SetCookieRefuse SetCookieMode = "Refuse"
	// SetCookieRemove caches it without the cookie, which nobody gets then.
	SetCookieRemove SetCookieMode = "Remove"
	// SetCookieStore caches it with the cookie, which everybody gets.
	SetCookieStore SetCookieMode = "Store"
)

// AuthorizationMode says what becomes of a request with Authorization.
//
// +kubebuilder:validation:Enum=RFC9111;Bypass;Ignore
type AuthorizationMode string

// What becomes of a request with Authorization.
const (
	// AuthorizationRFC9111 caches the answer where the origin allows it (RFC 9111 section 3.5).
	AuthorizationRFC9111 AuthorizationMode = "RFC9111"
	// AuthorizationBypass passes it.
	AuthorizationBypass AuthorizationMode = "Bypass"
	// AuthorizationIgnore takes it for any other request. The header should be part of the key then.
	AuthorizationIgnore AuthorizationMode = "Ignore"
)

// CacheStorage says which answers are stored, and how.
type CacheStorage struct {
	// SetCookie says what becomes of answers with Set-Cookie; Refuse where it is not given.
	// +optional
	SetCookie SetCookieMode `json:"setCookie,omitempty"`

	// Authorization says what becomes of requests with Authorization; RFC9111 where it is not given.
	// +optional
	Authorization AuthorizationMode `json:"authorization,omitempty"`

	// MaxSize of a body that is stored; larger ones are passed.
	// +optional
	MaxSize *resource.Quantity `json:"maxSize,omitempty"`

	// Compress stores text without Content-Encoding in gzip. Clients that do not accept gzip get it as it was.
	// +optional
	Compress *bool `json:"compress,omitempty"`

	// ESI carries out Edge Side Includes in HTML and XML.
	// +optional
	ESI *bool `json:"esi,omitempty"`

	// TagsHeader is the response header that lists the tags of an object, by which it can be invalidated, such as
	// Surrogate-Key or Cache-Tag. Clients do not see it.
	// +optional
	// +kubebuilder:validation:MaxLength=256
	// +kubebuilder:validation:Pattern="^[A-Za-z0-9!#$%&'*+\\-.^_\\x60|~]+$"
	TagsHeader string `json:"tagsHeader,omitempty"`

	// HitForMissTTL is how long the gateway remembers that an answer was not to be stored, so that requests for it do not
	// wait for each other; two minutes where it is not given.
	// +optional
	HitForMissTTL *CacheDuration `json:"hitForMissTTL,omitempty"`
}

// CacheClient says what clients are told of the cache, and what is heard from them.
type CacheClient struct {
	// CacheControl is what clients are told in the place of the origin's Cache-Control and Expires.
	// +optional
	CacheControl *ClientCacheControl `json:"cacheControl,omitempty"`

	// CacheStatus says whether answers have the header Cache-Status (RFC 9211); On where it is not given.
	// +optional
	CacheStatus CacheStatusMode `json:"cacheStatus,omitempty"`

	// HonorRequest heeds Cache-Control of requests (RFC 9111 section 5.2.1), such as no-cache. Without it a client cannot make
	// the gateway ask the backend.
	// +optional
	HonorRequest *bool `json:"honorRequest,omitempty"`
}

// ClientCacheControl is a Cache-Control for clients.
//
// +kubebuilder:validation:XValidation:message="must have maxAge or directives",rule="has(self.maxAge) || has(self.directives)"
type ClientCacheControl struct {
	// MaxAge is how long a client may keep the answer, from when it gets it.
	// +optional
	MaxAge *CacheDuration `json:"maxAge,omitempty"`

	// Directives beside it, as they stand in the header: "public, immutable".
	// +optional
	// +kubebuilder:validation:MinLength=1
	// +kubebuilder:validation:MaxLength=1024
	// +kubebuilder:validation:Pattern=`^[\x20-\x7e]*$`
	Directives string `json:"directives,omitempty"`
}

// CacheStatusMode says whether answers have the header Cache-Status. On and Off have quotes in YAML, where they would
// be booleans without.
//
// +kubebuilder:validation:Enum=On;WithKey;Off
type CacheStatusMode string

// Whether answers have the header Cache-Status.
const (
	// CacheStatusOn adds it.
	CacheStatusOn CacheStatusMode = "On"
	// CacheStatusWithKey adds it with the key of the object.
	CacheStatusWithKey CacheStatusMode = "WithKey"
	// CacheStatusOff leaves it out.
	CacheStatusOff CacheStatusMode = "Off"
)

// VarnishCachePolicyList is a list of VarnishCachePolicies.
//
// +kubebuilder:object:root=true
type VarnishCachePolicyList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []VarnishCachePolicy `json:"items"`
}
