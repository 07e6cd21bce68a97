package routing

import (
	"slices"
	"strings"

	"github.com/varnish-gateway/gateway/shared/internal/check"
)

// redirectStatus are the statuses that a redirect may have.
var redirectStatus = []int{301, 302, 303, 307, 308}

// filters checks the filters of the rule or backend at record; matches are the rule's.
func (c *routeChecker) filters(record *check.Path, filters []Filter, matches []Match) {
	for i := range filters {
		c.filter(record.At("filters", i), &filters[i], matches)
	}
}

func (c *routeChecker) filter(path *check.Path, filter *Filter, matches []Match) {
	fields := []struct {
		of   FilterType
		name string
		set  bool
	}{
		{FilterRequestHeaderModifier, "requestHeaderModifier", filter.RequestHeaderModifier != nil},
		{FilterResponseHeaderModifier, "responseHeaderModifier", filter.ResponseHeaderModifier != nil},
		{FilterRequestRedirect, "requestRedirect", filter.RequestRedirect != nil},
		{FilterURLRewrite, "urlRewrite", filter.URLRewrite != nil},
	}
	known := false
	for _, field := range fields {
		known = known || filter.Type == field.of
	}
	if !known {
		c.Add(path.Field("type"), "The filter %q is not known", filter.Type)
		return
	}
	for _, field := range fields {
		switch {
		case filter.Type == field.of && !field.set:
			c.Add(path.Field(field.name), "The filter's own field is missing")
		case filter.Type != field.of && field.set:
			c.Add(path.Field(field.name), "The field does not belong to a filter of type %s", filter.Type)
		}
	}
	c.filterValue(path, filter, matches)
}

func (c *routeChecker) filterValue(path *check.Path, filter *Filter, matches []Match) {
	if filter.Type == FilterRequestHeaderModifier && filter.RequestHeaderModifier != nil {
		c.headerModifier(path.Field("requestHeaderModifier"), filter.Type, filter.RequestHeaderModifier)
	}
	if filter.Type == FilterResponseHeaderModifier && filter.ResponseHeaderModifier != nil {
		c.headerModifier(path.Field("responseHeaderModifier"), filter.Type, filter.ResponseHeaderModifier)
	}
	if filter.Type == FilterRequestRedirect && filter.RequestRedirect != nil {
		c.redirect(path.Field("requestRedirect"), filter.RequestRedirect, matches)
	}
	if filter.Type == FilterURLRewrite && filter.URLRewrite != nil {
		c.hostname(path.Field("urlRewrite"), filter.URLRewrite.Hostname)
		c.pathModifier(path.Field("urlRewrite"), filter.URLRewrite.Path, matches)
	}
}

func (c *routeChecker) headerModifier(path *check.Path, filter FilterType, modifier *HeaderModifier) {
	c.headers(path, filter, HeaderSet, modifier.Set)
	c.headers(path, filter, HeaderAdd, modifier.Add)
	for i, name := range modifier.Remove {
		c.headerName(path.At(string(HeaderRemove), i), filter, HeaderRemove, name)
	}
}

func (c *routeChecker) headers(modifier *check.Path, filter FilterType, action HeaderAction, headers []Header) {
	for i, header := range headers {
		path := modifier.At(string(action), i)
		c.headerName(path.Field("name"), filter, action, header.Name)
		if !ValidHeaderValue(header.Value) {
			c.Add(path.Field("value"), "The value contains a line break or another control character")
		}
	}
}

func (c *routeChecker) headerName(path *check.Path, filter FilterType, action HeaderAction, name string) {
	if problem := HeaderProblem(filter, action, name); problem != "" {
		c.Add(path, "The header %q %s", name, problem)
	}
}

func (c *routeChecker) redirect(path *check.Path, redirect *RequestRedirect, matches []Match) {
	if !slices.Contains([]string{"", "http", "https"}, redirect.Scheme) {
		c.Add(path.Field("scheme"), "The scheme %q is neither http nor https", redirect.Scheme)
	}
	c.hostname(path, redirect.Hostname)
	c.pathModifier(path, redirect.Path, matches)
	if redirect.Port != 0 && !validPort(redirect.Port) {
		c.Add(path.Field("port"), "%d is not a port", redirect.Port)
	}
	if !slices.Contains(redirectStatus, redirect.StatusCode) {
		c.Add(path.Field("statusCode"), "%d is not the status of a redirect", redirect.StatusCode)
	}
}

func (c *routeChecker) hostname(filter *check.Path, hostname string) {
	if hostname != "" && !ValidHostname(hostname) {
		c.Add(filter.Field("hostname"), "%q is not a hostname in lower case", hostname)
	}
}

func (c *routeChecker) pathModifier(filter *check.Path, modifier *PathModifier, matches []Match) {
	if modifier == nil {
		return
	}
	path := filter.Field("path")
	switch modifier.Type {
	case ReplaceFullPath:
	case ReplacePrefixMatch:
		if slices.ContainsFunc(matches, func(match Match) bool { return match.Path.Type != PathPrefix }) {
			c.Add(path.Field("type"), "A prefix can be replaced only if every match of the rule is a PathPrefix")
		}
	default:
		c.Add(path.Field("type"), "The path modifier %q is not known", modifier.Type)
	}
	if !ValidPathReplacement(modifier.Value) {
		c.Add(path.Field("value"), "The path %q contains a query, a fragment, a space or a line break", modifier.Value)
	}
}

// ValidPathReplacement says whether value can stand in the place of a path, or of a part of one.
func ValidPathReplacement(value string) bool {
	return !strings.ContainsAny(value, "?# \r\n\x00")
}
