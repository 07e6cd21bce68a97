package translate

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// cacheSettings are the fields of a VarnishCachePolicy, each of which the most specific policy that sets it decides. Their
// tags are their paths in the specification.
type cacheSettings struct {
	Mode                 v1alpha1.CacheMode           `field:"mode"`
	Zone                 string                       `field:"zone"`
	DefaultTTL           *v1alpha1.CacheDuration      `field:"freshness.defaultTTL"`
	MinTTL               *v1alpha1.CacheDuration      `field:"freshness.minTTL"`
	MaxTTL               *v1alpha1.CacheDuration      `field:"freshness.maxTTL"`
	Heuristic            *v1alpha1.Heuristic          `field:"freshness.heuristic"`
	ByStatus             []v1alpha1.StatusTTL         `field:"freshness.byStatus"`
	StaleWhileRevalidate *v1alpha1.StaleWindow        `field:"freshness.staleWhileRevalidate"`
	StaleIfError         *v1alpha1.StaleWindow        `field:"freshness.staleIfError"`
	Keep                 *v1alpha1.CacheDuration      `field:"freshness.keep"`
	TargetedFields       []string                     `field:"freshness.targetedFields"`
	Query                *v1alpha1.QueryKey           `field:"key.query"`
	KeyHeaders           []string                     `field:"key.headers"`
	KeyCookies           []string                     `field:"key.cookies"`
	Encodings            []string                     `field:"key.encodings"`
	Languages            []string                     `field:"key.languages"`
	Scheme               *bool                        `field:"key.scheme"`
	BypassCookies        []string                     `field:"bypass.cookies"`
	BypassHeaders        []v1alpha1.BypassHeader      `field:"bypass.headers"`
	SetCookie            v1alpha1.SetCookieMode       `field:"storage.setCookie"`
	Authorization        v1alpha1.AuthorizationMode   `field:"storage.authorization"`
	MaxSize              *resource.Quantity           `field:"storage.maxSize"`
	Compress             *bool                        `field:"storage.compress"`
	ESI                  *bool                        `field:"storage.esi"`
	TagsHeader           string                       `field:"storage.tagsHeader"`
	HitForMissTTL        *v1alpha1.CacheDuration      `field:"storage.hitForMissTTL"`
	CacheControl         *v1alpha1.ClientCacheControl `field:"client.cacheControl"`
	CacheStatus          v1alpha1.CacheStatusMode     `field:"client.cacheStatus"`
	HonorRequest         *bool                        `field:"client.honorRequest"`
}

func settingsOf(p *v1alpha1.VarnishCachePolicy) cacheSettings {
	s := cacheSettings{Mode: p.Spec.Mode}
	if p.Spec.Zone != "" {
		s.Zone = p.Namespace + "/" + p.Spec.Zone
	}
	if f := p.Spec.Freshness; f != nil {
		s.DefaultTTL, s.MinTTL, s.MaxTTL, s.Keep = f.DefaultTTL, f.MinTTL, f.MaxTTL, f.Keep
		s.Heuristic, s.ByStatus, s.TargetedFields = f.Heuristic, f.ByStatus, f.TargetedFields
		s.StaleWhileRevalidate, s.StaleIfError = f.StaleWhileRevalidate, f.StaleIfError
	}
	if k := p.Spec.Key; k != nil {
		s.Query, s.KeyHeaders, s.KeyCookies = k.Query, k.Headers, k.Cookies
		s.Encodings, s.Languages, s.Scheme = k.Encodings, k.Languages, k.Scheme
	}
	if b := p.Spec.Bypass; b != nil {
		s.BypassCookies, s.BypassHeaders = b.Cookies, b.Headers
	}
	if o := p.Spec.Storage; o != nil {
		s.SetCookie, s.Authorization, s.MaxSize = o.SetCookie, o.Authorization, o.MaxSize
		s.Compress, s.ESI, s.TagsHeader, s.HitForMissTTL = o.Compress, o.ESI, o.TagsHeader, o.HitForMissTTL
	}
	if c := p.Spec.Client; c != nil {
		s.CacheControl, s.CacheStatus, s.HonorRequest = c.CacheControl, c.CacheStatus, c.HonorRequest
	}
	return s
}

// durations reads times, and gathers what is wrong with them.
type durations struct{ problems []string }

// record gives the record of the contract, without names. The problems are those of times that no cache can keep.
func (s cacheSettings) record() (routing.CachePolicy, []string) {
	var d durations
	record := routing.CachePolicy{Zone: s.Zone}
	record.Freshness = routing.CacheFreshness{
		DefaultTTL:           d.optional("freshness.defaultTTL", s.DefaultTTL),
		MinTTL:               d.optional("freshness.minTTL", s.MinTTL),
		MaxTTL:               d.optional("freshness.maxTTL", s.MaxTTL),
		StaleWhileRevalidate: d.window("freshness.staleWhileRevalidate", s.StaleWhileRevalidate),
		StaleIfError:         d.window("freshness.staleIfError", s.StaleIfError),
		Keep:                 d.optional("freshness.keep", s.Keep),
		TargetedFields:       lowerNames(s.TargetedFields),
	}
	if h := s.Heuristic; h != nil {
		record.Freshness.HeuristicPercent = &h.Percent
		record.Freshness.HeuristicMax = d.optional("freshness.heuristic.max", h.Max)
	}
	for _, rule := range s.ByStatus {
		ttl := d.seconds("freshness.byStatus.ttl", rule.TTL)
		for _, status := range rule.Statuses {
			record.Freshness.ByStatus = append(record.Freshness.ByStatus, routing.StatusTTL{
				Status: status, TTL: ttl, Mode: routing.TTLMode(rule.Mode),
			})
		}
	}
	record.Key = routing.CacheKey{
		Headers: lowerNames(s.KeyHeaders), Cookies: s.KeyCookies, Encodings: s.Encodings, Languages: s.Languages,
		Scheme: isTrue(s.Scheme),
	}
	if q := s.Query; q != nil {
		record.Key.QueryMode, record.Key.QueryNames, record.Key.SortQuery = routing.QueryKeyMode(q.Mode), q.Names, isTrue(q.Sort)
	}
	record.Bypass.Cookies = s.BypassCookies
	for _, header := range s.BypassHeaders {
		record.Bypass.Headers = append(record.Bypass.Headers, routing.BypassHeader{
			Name: strings.ToLower(header.Name), Value: header.Value,
		})
	}
	record.Storage = routing.CacheStorage{
		SetCookie: routing.SetCookieMode(s.SetCookie), Authorization: routing.AuthorizationMode(s.Authorization),
		Compress: isTrue(s.Compress), ESI: isTrue(s.ESI), TagsHeader: strings.ToLower(s.TagsHeader),
		HitForMissTTL: d.optional("storage.hitForMissTTL", s.HitForMissTTL),
	}
	if s.MaxSize != nil {
		record.Storage.MaxSize = new(s.MaxSize.Value())
	}
	record.Client = routing.CacheClient{
		HideStatus: s.CacheStatus == v1alpha1.CacheStatusOff, StatusKey: s.CacheStatus == v1alpha1.CacheStatusWithKey,
		HonorRequest: isTrue(s.HonorRequest),
	}
	if c := s.CacheControl; c != nil {
		record.Client.CacheControl = &routing.ClientCacheControl{
			MaxAge: d.optional("client.cacheControl.maxAge", c.MaxAge), Directives: c.Directives,
		}
	}
	return record, d.problems
}

// maxCacheSeconds is the longest time of the contract: 2^31 seconds.
const maxCacheSeconds = 1 << 31

func (d *durations) seconds(field string, text v1alpha1.CacheDuration) int64 {
	duration, err := time.ParseDuration(string(text))
	if seconds := int64(duration / time.Second); err == nil && seconds >= 0 && seconds <= maxCacheSeconds {
		return seconds
	}
	problem := fmt.Sprintf("spec.%s: %q is not a time of at most 68 years", field, text)
	if !slices.Contains(d.problems, problem) {
		d.problems = append(d.problems, problem)
	}
	return 0
}

func (d *durations) optional(field string, text *v1alpha1.CacheDuration) *int64 {
	if text == nil {
		return nil
	}
	return new(d.seconds(field, *text))
}

func (d *durations) window(field string, window *v1alpha1.StaleWindow) routing.StaleWindow {
	if window == nil {
		return routing.StaleWindow{}
	}
	w := routing.StaleWindow{
		Max:      d.optional(field+".max", window.Max),
		Override: d.optional(field+".override", window.Override),
	}
	if window.Default != nil {
		w.Default = d.seconds(field+".default", *window.Default)
	}
	return w
}

// lowerNames are names of headers as the contract has them: in lower case, each once.
func lowerNames(names []string) []string {
	var lower []string
	for _, name := range names {
		if name = strings.ToLower(name); !slices.Contains(lower, name) {
			lower = append(lower, name)
		}
	}
	return lower
}

func isTrue(flag *bool) bool { return flag != nil && *flag }
