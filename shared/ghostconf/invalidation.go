package ghostconf

import (
	"encoding/json/v2"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Invalidations are the body of POST /.varnish-ghost/invalidate, and of the admin API's call of the same name. All of them
// are carried out, or none.
type Invalidations struct {
	// Invalidations to carry out.
	Invalidations []Invalidation `json:"invalidations"`
}

// Invalidation is an order to invalidate objects of the cache. It reaches what routes of the namespace have cached, and
// nothing else. Exactly one of Host, Tag, Route, Policy and All says which objects; nothing is a pattern.
type Invalidation struct {
	// Namespace of the routes.
	Namespace string `json:"namespace"`
	// Soft makes objects stale: they may be served while the origin is asked for new ones, or where it fails. Otherwise they
	// are gone.
	Soft bool `json:"soft,omitzero"`
	// Host of the objects; alone, all of that host.
	Host string `json:"host,omitempty"`
	// Path with Host: the objects of one URL, in every variant.
	Path string `json:"path,omitempty"`
	// Query with Path, without its question mark; nil for a URL without one.
	Query *string `json:"query,omitzero"`
	// Prefix with Host: the objects of every path that begins so.
	Prefix string `json:"prefix,omitempty"`
	// Tag that the origin has given the objects.
	Tag string `json:"tag,omitempty"`
	// Route is the name of the route whose objects they are.
	Route string `json:"route,omitempty"`
	// Policy is the name of the cache policy that holds for the rules whose objects they are.
	Policy string `json:"policy,omitempty"`
	// All the objects of the namespace.
	All bool `json:"all,omitzero"`
}

// InvalidationResult is what ghost answers: status 200 with the generation, 400 with the error where nothing was invalidated.
type InvalidationResult struct {
	// Generation is how many invalidations there have been: objects that are fetched from now on are right.
	Generation int64 `json:"generation,omitzero"`
	// Error says why nothing was invalidated.
	Error string `json:"error,omitempty"`
}

// SetURL makes it the order for one URL, such as "https://shop.example/a?b=c", or for all whose path begins as this one's.
// The scheme does not matter, nor does the port.
func (i *Invalidation) SetURL(text string, isPrefix bool) error {
	parsed, err := url.Parse(text)
	switch {
	case err != nil:
		return fmt.Errorf("read the URL: %w", err)
	case parsed.Scheme != "http" && parsed.Scheme != "https" || parsed.Hostname() == "":
		return fmt.Errorf("%q is no URL that begins with http:// or https:// and a host", text)
	case parsed.User != nil || parsed.Fragment != "":
		return fmt.Errorf("%q has a user or a fragment, which no object's URL has", text)
	case isPrefix && (parsed.RawQuery != "" || parsed.ForceQuery):
		return errors.New("a prefix is one of paths: queries have many spellings")
	}
	path := parsed.EscapedPath()
	if path == "" {
		path = "/"
	}
	if _, ok := routing.NormalizePath(path); !ok {
		return fmt.Errorf("the path of %q climbs above the root", text)
	}
	host := parsed.Hostname()
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	i.SetHost(host)
	if isPrefix {
		i.Prefix = path
		return nil
	}
	i.Path = path
	if parsed.RawQuery != "" || parsed.ForceQuery {
		i.Query = &parsed.RawQuery
	}
	return nil
}

// SetHost makes it the order for everything of a host, which has no port; one that is an IPv6 address stands in brackets.
func (i *Invalidation) SetHost(host string) {
	i.Host = strings.TrimSuffix(strings.ToLower(host), ".")
}

// EncodeInvalidations writes the order.
func EncodeInvalidations(invalidations Invalidations) ([]byte, error) {
	data, err := contract.Encode(invalidations)
	if err != nil {
		return nil, fmt.Errorf("encode an order to invalidate: %w", err)
	}
	return data, nil
}

// DecodeInvalidationResult reads ghost's answer.
func DecodeInvalidationResult(data []byte) (InvalidationResult, error) {
	var result InvalidationResult
	if err := json.Unmarshal(data, &result); err != nil {
		return InvalidationResult{}, fmt.Errorf("parse ghost's answer to an order to invalidate: %w", err)
	}
	return result, nil
}
