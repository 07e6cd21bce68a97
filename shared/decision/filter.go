package decision

import (
	"slices"
	"strconv"
	"strings"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// firstRedirect is the redirect among filters, or nil.
func firstRedirect(filters []routing.Filter) *routing.RequestRedirect {
	for _, filter := range filters {
		if filter.Type == routing.FilterRequestRedirect {
			return filter.RequestRedirect
		}
	}
	return nil
}

// location is the Location of a redirect (Gateway API, HTTPRequestRedirectFilter).
func location(p *parsed, listener ghostconf.Listener, redirect *routing.RequestRedirect, prefix string) string {
	scheme := redirect.Scheme
	if scheme == "" {
		scheme = strings.ToLower(string(listener.Protocol))
	}
	host := redirect.Hostname
	if host == "" {
		host = p.host
	}
	if port := redirectPort(redirect, listener); port != 0 && port != schemePort(scheme) {
		host += ":" + strconv.Itoa(int(port))
	}
	target := p.Target
	if redirect.Path != nil {
		target = p.withQuery(modifyPath(p.path, redirect.Path, prefix))
	}
	if target == wholeServer {
		target = "/"
	}
	return scheme + "://" + host + target
}

// redirectPort is 0 where the Location takes the scheme's own.
func redirectPort(redirect *routing.RequestRedirect, listener ghostconf.Listener) int32 {
	switch {
	case redirect.Port != 0:
		return redirect.Port
	case redirect.Scheme != "":
		return 0
	}
	return listener.Port
}

func schemePort(scheme string) int32 {
	if scheme == "https" {
		return 443
	}
	return 80
}

// matchedPrefix is the prefix that a path match stands for, without a slash at its end.
func matchedPrefix(match routing.PathMatch) string {
	prefix, _ := routing.NormalizePath(match.Value)
	return strings.TrimRight(prefix, "/")
}

// modifyPath replaces a path in normal form, or the prefix of it that was matched.
func modifyPath(path string, modifier *routing.PathModifier, prefix string) string {
	modified := modifier.Value
	if path == wholeServer && modifier.Type == routing.ReplacePrefixMatch {
		return path
	}
	if modifier.Type == routing.ReplacePrefixMatch {
		modified = strings.TrimRight(modifier.Value, "/") + strings.TrimPrefix(path, prefix)
	}
	if !strings.HasPrefix(modified, "/") {
		return "/" + modified
	}
	return modified
}

// filterRequest applies one filter to what goes upstream. Paths are always made from the client's own.
func filterRequest(p *parsed, upstream Upstream, filter routing.Filter, prefix string) Upstream {
	switch filter.Type {
	case routing.FilterRequestHeaderModifier:
		upstream.Headers = modifyHeaders(upstream.Headers, filter.RequestHeaderModifier)
		// Host stands beside the headers.
		for _, header := range filter.RequestHeaderModifier.Set {
			if strings.EqualFold(header.Name, "host") {
				upstream.Host = header.Value
			}
		}
		upstream.Headers = without(upstream.Headers, "host")
	case routing.FilterURLRewrite:
		if filter.URLRewrite.Hostname != "" {
			upstream.Host = filter.URLRewrite.Hostname
		}
		if filter.URLRewrite.Path != nil {
			upstream.Target = p.withQuery(modifyPath(p.path, filter.URLRewrite.Path, prefix))
		}
	}
	return upstream
}

// modifyHeaders removes, then sets, then adds. The list itself is not changed.
func modifyHeaders(headers []routing.Header, modifier *routing.HeaderModifier) []routing.Header {
	modified := slices.Clone(headers)
	for _, name := range modifier.Remove {
		modified = without(modified, name)
	}
	for _, header := range modifier.Set {
		modified = append(without(modified, header.Name), header)
	}
	return append(modified, modifier.Add...)
}

func without(headers []routing.Header, name string) []routing.Header {
	return slices.DeleteFunc(slices.Clone(headers), func(header routing.Header) bool {
		return strings.EqualFold(header.Name, name)
	})
}
