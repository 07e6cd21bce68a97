package decision

import (
	"net/http"
	"strings"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// Request is what routing looks at.
type Request struct {
	// Socket is the name of the Varnish socket that the request came in by ("http-80").
	Socket string
	// Host is the value of the Host header.
	Host string
	// Method of the request; case-sensitive.
	Method string
	// Target in origin form: path, and query with its "?".
	Target string
	// Headers are the other header lines in their order.
	Headers []routing.Header
}

// parsed is a request in the forms in which it is compared.
type parsed struct {
	Request
	// host in lower case, without port.
	host string
	// path in normal form.
	path string
	// query without "?"; hasQuery tells an empty one from none.
	query    string
	hasQuery bool
}

// parse gives the status and the reason as well where a request is refused whatever the configuration says; else 0.
func parse(request Request) (p parsed, status int, problem string) {
	p = parsed{Request: request}
	if !routing.ValidToken(request.Method) {
		return p, http.StatusBadRequest, "the method is malformed"
	}
	if request.Method == http.MethodConnect {
		return p, http.StatusNotImplemented, "the method CONNECT asks for a tunnel"
	}
	var ok bool
	if p.host, ok = routing.Host(request.Host); !ok {
		return p, http.StatusBadRequest, "the Host header is missing or malformed"
	}
	rawPath, query, hasQuery := strings.Cut(request.Target, "?")
	p.query, p.hasQuery = query, hasQuery
	if p.path, ok = routing.NormalizePath(rawPath); !ok {
		return p, http.StatusBadRequest, "the path does not begin with a slash or climbs above the root"
	}
	return p, 0, ""
}

// header is the value of a header: its lines joined with a comma (RFC 9110, section 5.3).
func (p *parsed) header(name string) (value string, ok bool) {
	if strings.EqualFold(name, "host") {
		return p.Host, true
	}
	var values []string
	for _, header := range p.Headers {
		if strings.EqualFold(header.Name, name) {
			values = append(values, header.Value)
		}
	}
	return strings.Join(values, ","), len(values) > 0
}

// withQuery puts the request's query behind another path.
func (p *parsed) withQuery(path string) string {
	if p.hasQuery {
		return path + "?" + p.query
	}
	return path
}
