package routing

import (
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/shared/internal/check"
)

// maxCacheTime is the longest time in a cache policy, in milliseconds: 68 years, which is what RFC 9111 section 1.2.2 asks of
// a cache (2^31 seconds).
const maxCacheTime = 1 << 31 * 1000

// ValidateCachePolicies gives the problems of cache policies, which routing.json and ghost.json share. Features are those of
// the reader. A policy with any problem caches nothing.
func ValidateCachePolicies(policies []CachePolicy, features Features) []Diagnostic {
	var report check.Report
	seen := map[string]bool{}
	for i := range policies {
		policy, path := &policies[i], root.At("cachePolicies", i)
		report.Object = policy.object()
		switch {
		case policy.ID == "":
			report.Add(path.Field("id"), "The policy's ID is missing")
		case seen[policy.ID]:
			report.Add(path.Field("id"), "The ID %q is taken by an earlier policy", policy.ID)
		}
		seen[policy.ID] = true
		checkFreshness(&report, path.Field("freshness"), &policy.Freshness)
		checkKey(&report, path.Field("key"), &policy.Key)
		bypass := path.Field("bypass")
		// An asterisk, which stands for any end of a name, is a character of tokens as well.
		checkNames(&report, bypass, "cookies", policy.Bypass.Cookies, ValidToken)
		checkNames(&report, bypass, "headers", policy.Bypass.Headers, validLowerField)
		checkStorage(&report, path.Field("storage"), &policy.Storage)
		if !ValidHeaderValue(policy.Response.CacheControl) {
			report.Add(path.Field("response").Field("cacheControl"), "The value has a control character")
		}
		checkNeeds(&report, path, policy.Needs, features)
	}
	return report.Diagnostics
}

// object names the policy object that comes first; empty where none is named.
func (p *CachePolicy) object() string {
	if len(p.Policies) == 0 {
		return ""
	}
	return "VarnishCachePolicy " + p.Policies[0]
}

func checkFreshness(report *check.Report, path *check.Path, freshness *CacheFreshness) {
	checkTimes(report, path, []cacheTime{
		{"defaultTTL", freshness.DefaultTTL}, {"minTTL", freshness.MinTTL}, {"maxTTL", freshness.MaxTTL},
		{"overrideTTL", freshness.OverrideTTL}, {"staleWhileRevalidate", freshness.StaleWhileRevalidate},
		{"staleIfError", freshness.StaleIfError}, {"keep", freshness.Keep},
	})
	if freshness.HeuristicPercent < 0 || freshness.HeuristicPercent > 100 {
		report.Add(path.Field("heuristicPercent"), "%d is not within 0 and 100", freshness.HeuristicPercent)
	}
	for i, status := range freshness.ByStatus {
		entry := path.At("byStatus", i)
		if status.From < 200 || status.From > 599 {
			report.Add(entry.Field("from"), "%d is not a final status code", status.From)
		}
		if status.To < status.From || status.To > 599 {
			report.Add(entry.Field("to"), "%d is not a final status code from %d on", status.To, status.From)
		}
		checkTimes(report, entry, []cacheTime{
			{"defaultTTL", status.DefaultTTL}, {"minTTL", status.MinTTL}, {"maxTTL", status.MaxTTL},
			{"overrideTTL", status.OverrideTTL},
		})
	}
}

type cacheTime struct {
	name  string
	value *int64
}

func checkTimes(report *check.Report, path *check.Path, times []cacheTime) {
	for _, time := range times {
		if time.value != nil && (*time.value < 0 || *time.value > maxCacheTime) {
			report.Add(path.Field(time.name), "%d is not within 0 and %d milliseconds", *time.value, int64(maxCacheTime))
		}
	}
}

func checkKey(report *check.Report, path *check.Path, key *CacheKey) {
	switch key.QueryMode {
	case "", QueryKeyAll, QueryKeyInclude, QueryKeyExclude:
	default:
		report.Add(path.Field("queryMode"), "%q is not All, Include or Exclude", key.QueryMode)
	}
	checkNames(report, path, "queryNames", key.QueryNames, func(name string) bool { return name != "" })
	checkNames(report, path, "headers", key.Headers, validLowerField)
	checkNames(report, path, "cookies", key.Cookies, ValidToken)
	checkNames(report, path, "languages", key.Languages, validLanguage)
}

func checkStorage(report *check.Report, path *check.Path, storage *CacheStorage) {
	if storage.MaxSize < 0 {
		report.Add(path.Field("maxSize"), "A size cannot be negative")
	}
	if storage.TagsHeader != "" && !validLowerField(storage.TagsHeader) {
		report.Add(path.Field("tagsHeader"), "%q is not the name of a header in lower case", storage.TagsHeader)
	}
	checkTimes(report, path, []cacheTime{{"hitForMissTTL", storage.HitForMissTTL}})
}

func checkNames(report *check.Report, path *check.Path, list string, names []string, valid func(string) bool) {
	for i, name := range names {
		switch {
		case !valid(name):
			report.Add(path.At(list, i), "%q is not a name that can stand here", name)
		case slices.Contains(names[:i], name):
			report.Add(path.At(list, i), "%q is named twice", name)
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
