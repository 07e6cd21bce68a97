package routing

import (
	"regexp"
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/shared/internal/check"
)

// maxCacheTime is the longest time in a cache policy, in seconds: as long as RFC 9111 section 1.2.2 asks of a cache.
const maxCacheTime = 1 << 31

// ValidateCachePolicies gives the problems of cache policies, which routing.json and ghost.json share. Features are those of
// the reader. A policy with any problem caches nothing.
func ValidateCachePolicies(policies []CachePolicy, features Features) []Diagnostic {
	checker := cacheChecker{seen: map[string]bool{}}
	for i := range policies {
		checker.policy(root.At("cachePolicies", i), &policies[i])
		checkNeeds(&checker.Report, root.At("cachePolicies", i), policies[i].Needs, features)
	}
	return checker.Diagnostics
}

type cacheChecker struct {
	check.Report
	// seen are the IDs so far.
	seen map[string]bool
}

func (c *cacheChecker) policy(path *check.Path, policy *CachePolicy) {
	c.Object = policy.object()
	switch {
	case policy.ID == "":
		c.Add(path.Field("id"), "The policy's ID is missing")
	case c.seen[policy.ID]:
		c.Add(path.Field("id"), "The ID %q is taken by an earlier policy", policy.ID)
	}
	c.seen[policy.ID] = true
	c.freshness(path.Field("freshness"), &policy.Freshness)
	c.key(path.Field("key"), &policy.Key)
	c.bypass(path.Field("bypass"), &policy.Bypass)
	c.storage(path.Field("storage"), &policy.Storage)
	if control := policy.Client.CacheControl; control != nil {
		at := path.Field("client").Field("cacheControl")
		c.time(at, "maxAge", control.MaxAge)
		if !ValidHeaderValue(control.Directives) {
			c.Add(at.Field("directives"), "The value has a control character")
		}
	}
}

// object names the policy object that comes first; empty where none is named.
func (p *CachePolicy) object() string {
	if len(p.Policies) == 0 {
		return ""
	}
	return "VarnishCachePolicy " + p.Policies[0]
}

var validStatus = regexp.MustCompile(`^[2-5]([0-9][0-9]|xx)$`)

func (c *cacheChecker) freshness(path *check.Path, freshness *CacheFreshness) {
	c.time(path, "defaultTTL", freshness.DefaultTTL)
	c.time(path, "minTTL", freshness.MinTTL)
	c.time(path, "maxTTL", freshness.MaxTTL)
	c.time(path, "heuristicMax", freshness.HeuristicMax)
	c.time(path, "keep", freshness.Keep)
	if percent := freshness.HeuristicPercent; percent != nil && (*percent < 0 || *percent > 100) {
		c.Add(path.Field("heuristicPercent"), "%d is not within 0 and 100", *percent)
	}
	for i := range freshness.ByStatus {
		status, entry := &freshness.ByStatus[i], path.At("byStatus", i)
		if !validStatus.MatchString(status.Status) {
			c.Add(entry.Field("status"), "%q is neither a final status code nor a class of them", status.Status)
		}
		c.time(entry, "ttl", &status.TTL)
		c.oneOf(entry, "mode", string(status.Mode), string(TTLDefault), string(TTLOverride), string(TTLForce))
	}
	c.window(path.Field("staleWhileRevalidate"), &freshness.StaleWhileRevalidate)
	c.window(path.Field("staleIfError"), &freshness.StaleIfError)
	c.names(path, "targetedFields", freshness.TargetedFields, validLowerField)
}

func (c *cacheChecker) window(path *check.Path, window *StaleWindow) {
	c.time(path, "default", &window.Default)
	c.time(path, "max", window.Max)
	c.time(path, "override", window.Override)
}

func (c *cacheChecker) key(path *check.Path, key *CacheKey) {
	c.oneOf(path, "queryMode", string(key.QueryMode), string(QueryKeyAll), string(QueryKeyInclude), string(QueryKeyExclude))
	c.names(path, "queryNames", key.QueryNames, func(name string) bool { return name != "" })
	c.names(path, "headers", key.Headers, validLowerField)
	// An asterisk, which stands for any end of a name, is a character of tokens as well.
	c.names(path, "cookies", key.Cookies, ValidToken)
	c.names(path, "encodings", key.Encodings, func(name string) bool { return slices.Contains(encodings, name) })
	c.names(path, "languages", key.Languages, validLanguage)
}

// encodings are the content codings that a key can tell apart (RFC 9110 section 8.4.1).
var encodings = []string{"br", "gzip", "zstd"}

func (c *cacheChecker) bypass(path *check.Path, bypass *CacheBypass) {
	c.names(path, "cookies", bypass.Cookies, ValidToken)
	for i, header := range bypass.Headers {
		if !validLowerField(header.Name) {
			c.Add(path.At("headers", i).Field("name"), "%q is not the name of a header in lower case", header.Name)
		}
	}
}

func (c *cacheChecker) storage(path *check.Path, storage *CacheStorage) {
	c.oneOf(path, "setCookie", string(storage.SetCookie), string(SetCookieRefuse), string(SetCookieRemove), string(SetCookieStore))
	c.oneOf(path, "authorization", string(storage.Authorization),
		string(AuthorizationRFC9111), string(AuthorizationBypass), string(AuthorizationIgnore))
	if storage.MaxSize != nil && *storage.MaxSize < 0 {
		c.Add(path.Field("maxSize"), "A size cannot be negative")
	}
	if storage.TagsHeader != "" && !validLowerField(storage.TagsHeader) {
		c.Add(path.Field("tagsHeader"), "%q is not the name of a header in lower case", storage.TagsHeader)
	}
	c.time(path, "hitForMissTTL", storage.HitForMissTTL)
}

func (c *cacheChecker) time(path *check.Path, name string, seconds *int64) {
	if seconds != nil && (*seconds < 0 || *seconds > maxCacheTime) {
		c.Add(path.Field(name), "%d is not within 0 and %d seconds", *seconds, int64(maxCacheTime))
	}
}

// oneOf checks a word of an enumeration, whose empty value is a default.
func (c *cacheChecker) oneOf(path *check.Path, name, word string, words ...string) {
	if word != "" && !slices.Contains(words, word) {
		c.Add(path.Field(name), "%q is none of %s", word, strings.Join(words, ", "))
	}
}

func (c *cacheChecker) names(path *check.Path, list string, names []string, valid func(string) bool) {
	for i, name := range names {
		switch {
		case !valid(name):
			c.Add(path.At(list, i), "%q cannot stand here", name)
		case slices.Contains(names[:i], name):
			c.Add(path.At(list, i), "%q is named twice", name)
		}
	}
}

func validLowerField(name string) bool { return ValidToken(name) && strings.ToLower(name) == name }

// validLanguage is a tag of letters, digits and hyphens (RFC 5646 section 2.1), by its shape alone.
func validLanguage(tag string) bool {
	for part := range strings.SplitSeq(tag, "-") {
		if part == "" || len(part) > 8 || strings.ContainsFunc(part, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9')
		}) {
			return false
		}
	}
	return true
}
