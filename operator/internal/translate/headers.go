package translate

import (
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/model"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// nameSet is a set of header names in lower case.
type nameSet map[string]bool

func namesOf(list ...string) nameSet {
	set := make(nameSet, len(list))
	for _, name := range list {
		set[name] = true
	}
	return set
}

// headerRules are what a header filter cannot do to requests, or to responses: some fields the gateway writes itself,
// whatever a filter says of them.
type headerRules struct {
	noSet, noAdd, noRemove nameSet
}

var (
	// What ghost's upstream passes over in a request: framing, Expect (the gateway answers it), and the fields that
	// concern one connection (RFC 9110, section 7.6.1). The latter never go upstream, so removing them is carried out.
	// Host can be replaced, but a request has exactly one.
	requestHeaders = headerRules{
		noSet:    namesOf(append(hopByHop, "content-length", "expect")...),
		noAdd:    namesOf(append(hopByHop, "content-length", "expect", "host")...),
		noRemove: namesOf("content-length", "host", "transfer-encoding"),
	}
	// What frames a response: a client that believed another length would take the rest for the next response.
	responseHeaders = headerRules{
		noSet:    namesOf("content-length", "transfer-encoding"),
		noAdd:    namesOf("content-length", "transfer-encoding"),
		noRemove: namesOf("content-length", "transfer-encoding"),
	}
	hopByHop = []string{
		"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection", "te", "trailer",
		"transfer-encoding", "upgrade",
	}
)

// change translates a filter that modifies headers.
func (r headerRules) change(at *field, filter *gatewayv1.HTTPHeaderFilter, found *problems) *model.HeaderChange {
	seen := make(nameSet)
	set, add, remove := at.child("set"), at.child("add"), at.child("remove")
	change := &model.HeaderChange{
		Set: headers(&set, filter.Set, r.noSet, seen, found),
		Add: headers(&add, filter.Add, r.noAdd, seen, found),
	}
	for i, name := range filter.Remove {
		here := remove.at(i)
		checkHeaderName(&here, "", name, r.noRemove, seen, found)
		change.Remove = append(change.Remove, name)
	}
	return change
}

func headers(at *field, list []gatewayv1.HTTPHeader, own, seen nameSet, found *problems) []model.Header {
	var translated []model.Header
	for i, header := range list {
		here, name := at.at(i), string(header.Name)
		checkHeaderName(&here, ".name", name, own, seen, found)
		checkHeaderValue(&here, header, found)
		translated = append(translated, model.Header{Name: name, Value: header.Value})
	}
	return translated
}

// checkHeaderName holds a name to the syntax, to the one action that the Gateway API permits for each name of a filter,
// and to what the gateway can do. The name is at the field, or a member of it.
func checkHeaderName(at *field, member, name string, own, seen nameSet, found *problems) {
	const reason = string(gatewayv1.RouteReasonUnsupportedValue)
	key := strings.ToLower(name)
	switch {
	case !routing.ValidToken(name):
		found.add(reason, at.String()+member, "%q is not the name of a header", name)
	case seen[key]:
		found.add(reason, at.String()+member, "a filter can have only one action for header %s", name)
	case own[key]:
		found.add(reason, at.String()+member, "the gateway writes %s itself", name)
	}
	seen[key] = true
}

// checkHeaderValue refuses what cannot be sent (RFC 9110, section 5.5), and a Host that is none.
func checkHeaderValue(at *field, header gatewayv1.HTTPHeader, found *problems) {
	const reason = string(gatewayv1.RouteReasonUnsupportedValue)
	control := func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
	if strings.ContainsFunc(header.Value, control) {
		found.add(reason, at.String()+".value", "the value has a line break or another control character")
		return
	}
	if _, ok := routing.Host(header.Value); !ok && strings.EqualFold(string(header.Name), "host") {
		found.add(reason, at.String()+".value", "%q is no host", header.Value)
	}
}
