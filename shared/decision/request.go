package decision

import (
	"net/http"
	"strings"

	"github.com/varnish-gateway/gateway/shared/routing"
)

// Request is what routing looks at.
type Request struct {
	// Socket is the name of the Varnish socket that the request came in by ("http-80").
	Socket string `json:"socket"`
	// Host is the value of the Host header.
	Host string `json:"host"`
	// Method of the request; case-sensitive.
	Method string `json:"method"`
	// Target in origin form (path, and query with its "?"), or "*" of OPTIONS.
	Target string `json:"target"`
	// Headers are the other header lines in their order.
	Headers []routing.Header `json:"headers"`
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
	if !validTarget(request.Target, rawPath) {
		return p, http.StatusBadRequest, "the target holds a character that none may hold"
	}
	if request.Method == http.MethodOptions && request.Target == wholeServer {
		p.path = wholeServer
		return p, 0, ""
	}
	if p.path, ok = routing.NormalizePath(rawPath); !ok {
		return p, http.StatusBadRequest, "the path does not begin with a slash or climbs above the root"
	}
	return p, 0, ""
}

// wholeServer is the target of an OPTIONS request for the server as a whole (RFC 9112, section 3.2.4).
const wholeServer = "*"

// validTarget says whether a target holds only what one may hold. A backend may read anything else in another way than it
// was matched: "#" begins a fragment to many (RFC 9112, section 3.2, has none), and `\` is a slash to some.
func validTarget(target, path string) bool {
	for i := range len(target) {
		if target[i] <= ' ' || target[i] >= 0x7f || target[i] == '#' {
			return false
		}
	}
	return !strings.Contains(path, `\`) && !strings.Contains(path, "%00")
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
