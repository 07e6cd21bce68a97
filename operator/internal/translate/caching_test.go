package translate

import (
	"reflect"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	"sigs.k8s.io/yaml"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

// cached builds a policy of the namespace shop, at a target ("Gateway web", "HTTPRoute shop items").
func cached(t *testing.T, name, target, spec string) *v1alpha1.VarnishCachePolicy {
	t.Helper()
	p := &v1alpha1.VarnishCachePolicy{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name}}
	require.NoError(t, yaml.UnmarshalStrict([]byte(spec), &p.Spec))
	words := strings.Fields(target)
	ref := gatewayv1.LocalPolicyTargetReferenceWithSectionName{
		LocalPolicyTargetReference: gatewayv1.LocalPolicyTargetReference{
			Group: gatewayv1.GroupName, Kind: gatewayv1.Kind(words[0]), Name: gatewayv1.ObjectName(words[1]),
		},
	}
	if len(words) == 3 {
		ref.SectionName = new(gatewayv1.SectionName(words[2]))
	}
	p.Spec.TargetRefs = append(p.Spec.TargetRefs, ref)
	return p
}

// TestEachFieldComesFromTheMostSpecificPolicy has the order of GEP-2649: rule, route, listener, Gateway.
func TestEachFieldComesFromTheMostSpecificPolicy(t *testing.T) {
	gateway := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop"}}
	route.Spec.Rules = []gatewayv1.HTTPRouteRule{{Name: new(gatewayv1.SectionName("items"))}, {}}
	policies := []*v1alpha1.VarnishCachePolicy{
		cached(t, "all", "Gateway web", "{zone: site, freshness: {maxTTL: 1h, defaultTTL: 1m}, storage: {esi: true}}"),
		cached(t, "secure", "Gateway web https", "{key: {cookies: [a]}, freshness: {defaultTTL: 2m}}"),
		cached(t, "route", "HTTPRoute shop", "{freshness: {defaultTTL: 3m}}"),
		cached(t, "items", "HTTPRoute shop items", "{key: {cookies: [b]}}"),
		cached(t, "later", "HTTPRoute shop", "{freshness: {defaultTTL: 9m}}"),
		cached(t, "other", "HTTPRoute other", "{mode: Pass}"),
	}
	// fields as "path=policy", and the policies with the places where they hold.
	listed := func(c Caching) (fields, places []string) {
		for _, f := range c.Fields {
			fields = append(fields, f.Path+"="+f.Policy)
		}
		for _, p := range c.Policies {
			places = append(places, strings.Join(append([]string{p.Name + " at " + p.Target}, p.Conflicting...), ", not "))
		}
		return fields, places
	}
	all, secure := "shop/all at Gateway shop/web", "shop/secure at listener https of Gateway shop/web"
	ofRoute, items := "shop/later at HTTPRoute shop/shop, not shop/route", "shop/items at rule items of HTTPRoute shop/shop"
	for name, c := range map[string]struct {
		listener       string
		rule           int
		fields, places []string
	}{
		"a rule with a policy": {"https", 0, []string{
			"zone=shop/all", "freshness.defaultTTL=shop/later", "freshness.maxTTL=shop/all", "key.cookies=shop/items", "storage.esi=shop/all",
		}, []string{items, ofRoute, secure, all}},
		"a rule without a name": {"https", 1, []string{
			"zone=shop/all", "freshness.defaultTTL=shop/later", "freshness.maxTTL=shop/all", "key.cookies=shop/secure", "storage.esi=shop/all",
		}, []string{ofRoute, secure, all}},
		"another listener": {"http", 1, []string{
			"zone=shop/all", "freshness.defaultTTL=shop/later", "freshness.maxTTL=shop/all", "storage.esi=shop/all",
		}, []string{ofRoute, all}},
	} {
		t.Run(name, func(t *testing.T) {
			caching := CachingOf(policies, gateway, c.listener, route, c.rule)
			fields, places := listed(caching)
			assert.Equal(t, c.fields, fields)
			assert.Equal(t, c.places, places)
			assert.Empty(t, caching.Passed)
			assert.Equal(t, "shop/site", caching.Fields[0].Value)
		})
	}
}

func TestWhyRequestsArePassed(t *testing.T) {
	gateway := &gatewayv1.Gateway{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}}
	route := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "shop"}}
	route.Spec.Rules = make([]gatewayv1.HTTPRouteRule, 1)
	all := cached(t, "all", "Gateway web", "{mode: Pass}")
	for name, c := range map[string]struct {
		policies []*v1alpha1.VarnishCachePolicy
		want     string
	}{
		"no policy":                 {nil, "no VarnishCachePolicy holds"},
		"one says so":               {[]*v1alpha1.VarnishCachePolicy{all}, "the policies say mode: Pass"},
		"a narrower one overrules":  {[]*v1alpha1.VarnishCachePolicy{all, cached(t, "a", "HTTPRoute shop", "{mode: Cache}")}, ""},
		"a time that nobody can do": {[]*v1alpha1.VarnishCachePolicy{cached(t, "a", "HTTPRoute shop", "{freshness: {maxTTL: 999999h}}")}, "VarnishCachePolicy shop/a is not valid: spec.freshness.maxTTL: "},
	} {
		t.Run(name, func(t *testing.T) {
			passed := CachingOf(c.policies, gateway, "http", route, 0).Passed
			if c.want == "" {
				assert.Empty(t, passed)
			}
			assert.Contains(t, passed, c.want)
		})
	}
}

// TestThePathsOfSettingsAreThoseOfThePolicy looks them up in the type.
func TestThePathsOfSettingsAreThoseOfThePolicy(t *testing.T) {
	seen := map[string]bool{}
	for field := range reflect.TypeFor[cacheSettings]().Fields() {
		path := field.Tag.Get("field")
		assert.False(t, seen[path], "%s is there twice", path)
		seen[path] = true
		at := reflect.TypeFor[v1alpha1.VarnishCachePolicySpec]()
		for word := range strings.SplitSeq(path, ".") {
			at = memberOf(at, word)
			require.NotNil(t, at, "%s of %s", path, field.Name)
		}
		assert.Equal(t, at, field.Type, path)
	}
}

// memberOf is the type of the member of a struct that has this name in JSON.
func memberOf(at reflect.Type, name string) reflect.Type {
	if at.Kind() == reflect.Pointer {
		at = at.Elem()
	}
	for field := range at.Fields() {
		if own, _, _ := strings.Cut(field.Tag.Get("json"), ","); own == name {
			return field.Type
		}
	}
	return nil
}
