package routing_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"pgregory.net/rapid"

	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestNormalizePath(t *testing.T) {
	for path, want := range map[string]string{
		"/":               "/",
		"/a/b":            "/a/b",
		"/a/./b":          "/a/b",
		"/a/../b":         "/b",
		"/a/b/..":         "/a/",
		"/a/.":            "/a/",
		"/.":              "/",
		"/a//../b":        "/a/b",
		"/a//b":           "/a//b",
		"//":              "//",
		"/a/...":          "/a/...",
		"/.a/a.":          "/.a/a.",
		"/%61%2D%7e%5f":   "/a-~_",
		"/%2e%2E/..":      "",
		"/a/%2e%2e/b":     "/b",
		"/%2F%2f":         "/%2F%2F",
		"/%3b%25%00":      "/%3B%25%00",
		"/%2561":          "/%2561",
		"/%zz%4":          "/%zz%4",
		"/%":              "/%",
		"/..":             "",
		"/a/../..":        "",
		"/a/../../a":      "",
		"a/b":             "",
		"":                "",
		"*":               "",
		"/a;x=1/../b;y=2": "/b;y=2",
	} {
		t.Run(path, func(t *testing.T) {
			normalized, ok := routing.NormalizePath(path)
			assert.Equal(t, want, normalized)
			assert.Equal(t, want != "", ok)
		})
	}
}

func TestANormalPathHasNothingLeftToResolve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		path := rapid.StringMatching(`(/(\.|\.\.|a|%2[eE]|%41|%2F|;|%|%2)*){0,6}`).Draw(t, "path")
		normalized, ok := routing.NormalizePath(path)
		if !ok {
			return
		}
		for segment := range strings.SplitSeq(normalized, "/") {
			assert.NotEqual(t, ".", segment)
			assert.NotEqual(t, "..", segment)
		}
		assert.True(t, strings.HasPrefix(normalized, "/"))
		assert.NotContains(t, normalized, "%41")
		assert.NotContains(t, strings.ToLower(normalized), "%2e%2e", "decoded dots are resolved, not kept")
	})
}

func TestQueryValue(t *testing.T) {
	for name, c := range map[string]struct {
		query, name, want string
		found             bool
	}{
		"the first of a name":           {"a=1&a=2", "a", "1", true},
		"no equals sign":                {"a&b=1", "a", "", true},
		"a name that only begins so":    {"ab=1", "a", "", false},
		"escapes in the name":           {"%61=1", "a", "1", true},
		"escapes in the value":          {"a=%3D%26%2B", "a", "=&+", true},
		"a plus":                        {"a=1+2", "a", "1+2", true},
		"a malformed escape":            {"a=%4", "a", "%4", true},
		"an equals sign in the value":   {"a=b=c", "a", "b=c", true},
		"names are case-sensitive":      {"A=1", "a", "", false},
		"an empty query":                {"", "a", "", false},
		"empty parts":                   {"&&a=1", "a", "1", true},
		"a semicolon does not divide":   {"b=1;a=2", "a", "", false},
		"bytes that are not UTF-8 stay": {"a=%ff", "a", "\xff", true},
	} {
		t.Run(name, func(t *testing.T) {
			value, found := routing.QueryValue(c.query, c.name)
			assert.Equal(t, c.found, found)
			assert.Equal(t, c.want, value)
		})
	}
}
