package routing

import (
	"strings"

	"github.com/varnish-gateway/gateway/shared/internal/check"
)

func (c *routeChecker) match(path *check.Path, match *Match) {
	c.pathMatch(path.Field("path"), match.Path)
	if match.Method != "" && !ValidToken(match.Method) {
		c.Add(path.Field("method"), "%q is not a method", match.Method)
	}
	c.valueMatches(path, "headers", match.Headers, validLowerToken)
	c.valueMatches(path, "queryParams", match.QueryParams, func(name string) bool { return name != "" })
}

func (c *routeChecker) pathMatch(path *check.Path, match PathMatch) {
	value := path.Field("value")
	switch match.Type {
	case PathExact, PathPrefix:
		if problem := PathProblem(match); problem != "" {
			c.Add(value, "The path %q %s", match.Value, problem)
		}
	case PathRegex:
		c.pattern(value, match.Value)
	default:
		c.Add(path.Field("type"), "The path match type %q is not known", match.Type)
	}
}

// PathProblem says why no path could match an Exact or PathPrefix condition, in words that follow it; empty where one
// could.
func PathProblem(match PathMatch) string {
	if !strings.HasPrefix(match.Value, "/") {
		return "does not begin with a slash"
	}
	if strings.ContainsAny(match.Value, "?#") {
		return "contains a query or a fragment"
	}
	if match.Type == PathPrefix && match.Value != "/" && strings.HasSuffix(match.Value, "/") {
		return "is a prefix and ends with a slash"
	}
	if _, ok := NormalizePath(match.Value); !ok {
		return "climbs above the root"
	}
	return ""
}

// valueMatches checks the conditions on headers or query parameters.
func (c *routeChecker) valueMatches(parent *check.Path, field string, matches []ValueMatch, validName func(string) bool) {
	seen := map[string]bool{}
	for i, match := range matches {
		path := parent.At(field, i)
		switch {
		case !validName(match.Name):
			c.Add(path.Field("name"), "The name %q cannot be matched", match.Name)
		case seen[match.Name]:
			c.Add(path.Field("name"), "The name %q is taken by an earlier condition", match.Name)
		}
		seen[match.Name] = true
		switch match.Type {
		case ValueExact:
		case ValueRegex:
			c.pattern(path.Field("value"), match.Value)
		default:
			c.Add(path.Field("type"), "The match type %q is not known", match.Type)
		}
	}
}

func (c *routeChecker) pattern(path *check.Path, pattern string) {
	if _, err := CompilePattern(pattern); err != nil {
		c.Add(path, "The regular expression does not compile: %v", err)
	}
}

// ValidToken says whether text is a token (RFC 9110, section 5.6.2), as methods and the names of headers are.
func ValidToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(c rune) bool {
		return c >= 0x80 || !isAlphanumeric(byte(c)) && !strings.ContainsRune("!#$%&'*+-.^_`|~", c)
	})
}

func validLowerToken(text string) bool {
	return ValidToken(text) && text == strings.ToLower(text)
}
