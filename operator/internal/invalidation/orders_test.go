package invalidation

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/operator/api/v1alpha1"
)

func TestWhatIsInvalidatedBecomesAnOrderOfTheNamespace(t *testing.T) {
	for name, c := range map[string]struct {
		what v1alpha1.CacheInvalidation
		want string
	}{
		"URLs, without scheme and port": {
			v1alpha1.CacheInvalidation{URLs: []v1alpha1.InvalidationURL{"https://Shop.example:8443/a?b=c", "http://shop.example"}},
			`{"namespace":"shop","host":"shop.example","path":"/a","query":"b=c"},{"namespace":"shop","host":"shop.example","path":"/"}`,
		},
		"prefixes": {
			v1alpha1.CacheInvalidation{Prefixes: []v1alpha1.InvalidationPrefix{"https://shop.example/img/"}},
			`{"namespace":"shop","host":"shop.example","prefix":"/img/"}`,
		},
		"hosts, whatever their case and final dot": {
			v1alpha1.CacheInvalidation{Hosts: []v1alpha1.InvalidationHost{"Shop.Example.", "[2001:DB8::1]"}},
			`{"namespace":"shop","host":"shop.example"},{"namespace":"shop","host":"[2001:db8::1]"}`,
		},
		"tags as they are, softly": {
			v1alpha1.CacheInvalidation{Tags: []v1alpha1.InvalidationTag{"product-7", "a*"}, Mode: v1alpha1.InvalidationSoft},
			`{"namespace":"shop","soft":true,"tag":"product-7"},{"namespace":"shop","soft":true,"tag":"a*"}`,
		},
		"a route":    {v1alpha1.CacheInvalidation{Route: "web", Mode: v1alpha1.InvalidationHard}, `{"namespace":"shop","route":"web"}`},
		"a policy":   {v1alpha1.CacheInvalidation{Policy: "news"}, `{"namespace":"shop","policy":"news"}`},
		"everything": {v1alpha1.CacheInvalidation{All: true}, `{"namespace":"shop","all":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := Orders("shop", c.what)
			require.NoError(t, err)
			assert.JSONEq(t, `{"invalidations":[`+c.want+`]}`, string(body))
		})
	}
}

func TestAnOrderThatCannotBeCarriedOutNamesItsField(t *testing.T) {
	long := v1alpha1.InvalidationURL("https://shop.example/" + strings.Repeat("x", 5000))
	for want, what := range map[string]v1alpha1.CacheInvalidation{
		"urls[1]: the path of": {URLs: []v1alpha1.InvalidationURL{"https://a.example/", "https://a.example/../b"}},
		"prefixes[0]: read":    {Prefixes: []v1alpha1.InvalidationPrefix{"https://a.example/%zz"}},
		"too much at once":     {URLs: make256(long)},
	} {
		_, err := Orders("shop", what)
		assert.ErrorContains(t, err, want)
	}
}

func make256(url v1alpha1.InvalidationURL) []v1alpha1.InvalidationURL {
	all := make([]v1alpha1.InvalidationURL, 256)
	for i := range all {
		all[i] = url
	}
	return all
}
