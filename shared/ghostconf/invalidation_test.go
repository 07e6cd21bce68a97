package ghostconf_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

func TestAURLBecomesAnOrder(t *testing.T) {
	for text, c := range map[string]struct {
		isPrefix bool
		want     ghostconf.Invalidation
		problem  string
	}{
		"https://shop.example/a?b=c":      {false, ghostconf.Invalidation{Host: "shop.example", Path: "/a", Query: new("b=c")}, ""},
		"http://SHOP.example.:8080/a%20b": {false, ghostconf.Invalidation{Host: "shop.example", Path: "/a%20b"}, ""},
		"http://shop.example":             {false, ghostconf.Invalidation{Host: "shop.example", Path: "/"}, ""},
		"http://shop.example/?":           {false, ghostconf.Invalidation{Host: "shop.example", Path: "/", Query: new("")}, ""},
		"http://[2001:DB8::1]:80/a":       {false, ghostconf.Invalidation{Host: "[2001:db8::1]", Path: "/a"}, ""},
		"https://shop.example/img/":       {true, ghostconf.Invalidation{Host: "shop.example", Prefix: "/img/"}, ""},
		"https://shop.example/img?x":      {true, ghostconf.Invalidation{}, "a prefix is one of paths"},
		"shop.example/a":                  {false, ghostconf.Invalidation{}, "is no URL"},
		"ftp://shop.example/a":            {false, ghostconf.Invalidation{}, "is no URL"},
		"https:///a":                      {false, ghostconf.Invalidation{}, "is no URL"},
		"https://me@shop.example/":        {false, ghostconf.Invalidation{}, "has a user or a fragment"},
		"https://shop.example/#a":         {false, ghostconf.Invalidation{}, "has a user or a fragment"},
		"https://shop.example/a/../../b":  {false, ghostconf.Invalidation{}, "climbs above the root"},
		"https://shop.example/%zz":        {false, ghostconf.Invalidation{}, "read the URL"},
	} {
		t.Run(text, func(t *testing.T) {
			var got ghostconf.Invalidation
			err := got.SetURL(text, c.isPrefix)
			if c.problem != "" {
				require.ErrorContains(t, err, c.problem)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, c.want, got)
		})
	}
}

// An empty query is one: "/a?" is another URL than "/a" (RFC 3986 section 6.2.3).
func TestAnOrderKeepsItsQuery(t *testing.T) {
	for text, want := range map[string]string{
		"http://a.example/a":    `{"namespace":"shop","host":"a.example","path":"/a"}`,
		"http://a.example/a?":   `{"namespace":"shop","host":"a.example","path":"/a","query":""}`,
		"http://a.example/a?b=": `{"namespace":"shop","host":"a.example","path":"/a","query":"b="}`,
	} {
		order := ghostconf.Invalidation{Namespace: "shop"}
		require.NoError(t, order.SetURL(text, false))
		data, err := ghostconf.EncodeInvalidations(ghostconf.Invalidations{
			Invalidations: []ghostconf.Invalidation{order},
		})
		require.NoError(t, err)
		assert.Equal(t, `{"invalidations":[`+want+`]}`, string(data), text)
	}
}
