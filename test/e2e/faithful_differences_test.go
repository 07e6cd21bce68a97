package e2e

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// comparison is an exchange that was made without the gateway and through it. A difference makes of
// what is wanted what the gateway may make of it.
type comparison struct {
	exchange
	// isFetch is whether it went by the fetch door.
	isFetch bool
	// scheme and isHTTP2 are the client's.
	scheme  string
	isHTTP2 bool
	want    *outcome
	got     *outcome
}

// difference is one that the documentation has (docs/reference/passes.md).
type difference struct {
	// what differs, where and why, as the page says it.
	what, where, why string
	// apply changes what is wanted, and tells whether this exchange has the difference.
	apply func(*comparison) bool
}

const (
	always    = "always"
	byFetch   = "fetch door"
	overHTTP2 = "over HTTP/2"
)

// hop are the fields of one connection (RFC 9110 section 7.6.1).
var hop = []string{"connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "proxy-authenticate", "proxy-authorization"}

// ofTheAnswer are the differences of answers.
var ofTheAnswer = []difference{
	{"`Connection`, `Keep-Alive`, `Proxy-Connection`, `TE`, `Trailer`, `Transfer-Encoding`, `Upgrade`, what `Connection` names, `Proxy-Authenticate`, `Proxy-Authorization`", always,
		"they speak of one connection, or to the next proxy (RFC 9110, sections 7.6.1 and 11.7)", func(c *comparison) bool {
			dropHop(c.got.fields)
			return dropHop(c.want.fields)
		}},
	{"`Content-Length`", always, "it is there where the gateway knows the length before the body begins; bodies are framed anew for each connection (RFC 9112, section 6). HEAD has what the backend sent", func(c *comparison) bool {
		if c.method == http.MethodHead || len(c.want.fields["content-length"]) > 0 {
			return false
		}
		return drop(c.got.fields, "content-length")
	}},
	{"`Content-Length` of a 304", always, "varnishd drops it", func(c *comparison) bool {
		return c.want.status == http.StatusNotModified && drop(c.want.fields, "content-length")
	}},
	{"`Via`", always, "the gateway adds itself (RFC 9110, section 7.6.3)", func(c *comparison) bool {
		c.want.fields["via"] = []string{strings.Join(append(slices.Clone(c.want.fields["via"]), "1.1 varnish-gateway"), ", ")}
		return true
	}},
	{"`Date`", always, "the gateway adds one where the backend has none (RFC 9110, section 6.6.1)", func(c *comparison) bool {
		if len(c.want.fields["date"]) > 0 || len(c.got.fields["date"]) != 1 {
			return false
		}
		if _, err := time.Parse(http.TimeFormat, c.got.fields["date"][0]); err != nil {
			return false
		}
		return drop(c.got.fields, "date")
	}},
	{"several lines of `Cache-Control` or `Vary`", byFetch, "varnishd joins them into one (RFC 9110, section 5.3)", func(c *comparison) bool {
		return c.isFetch && (join(c.want.fields, "cache-control") || join(c.want.fields, "vary"))
	}},
	{"trailers", always, "are dropped (RFC 9110, section 6.5.1): varnishd does not pass them on", func(c *comparison) bool {
		has := len(c.want.trailers) > 0
		c.want.trailers = c.got.trailers
		return has && len(c.got.trailers) == 0
	}},
	{"the interim response 100 (Continue)", always, "is about the body that the gateway sends (RFC 9110, section 15.2.1)", func(c *comparison) bool {
		before := len(c.want.interim)
		c.want.interim = slices.DeleteFunc(slices.Clone(c.want.interim), func(status int) bool { return status == http.StatusContinue })
		return len(c.want.interim) < before
	}},
	{"other interim responses (1xx)", overHTTP2, "[are dropped](limits.md#interim-responses)", func(c *comparison) bool {
		has := len(c.want.interim) > 0
		if !c.isHTTP2 || !has {
			return false
		}
		c.want.interim = nil
		return true
	}},
	{"the reason phrase", overHTTP2, "HTTP/2 has none (RFC 9113, section 8.3.2)", func(c *comparison) bool {
		if !c.isHTTP2 {
			return false
		}
		c.want.reason = ""
		return true
	}},
	{"a reason phrase of no characters", always, "varnishd writes that of the status", func(c *comparison) bool {
		if c.isHTTP2 || c.want.reason != "" {
			return false
		}
		c.want.reason = http.StatusText(c.want.status)
		return true
	}},
	{"an answer that is malformed, or none", always, "502 or 503 in its place ([what an answer tells](../guides/troubleshooting.md#what-an-answer-tells))", func(c *comparison) bool {
		if c.want.isAnswered || c.got.status != http.StatusBadGateway && c.got.status != http.StatusServiceUnavailable {
			return false
		}
		request, arrived := c.want.request, c.want.requestArrived
		*c.want = *c.got
		c.want.request, c.want.requestArrived = request, arrived
		return true
	}},
}

// ofTheRequest are the differences of requests.
var ofTheRequest = []difference{
	{"fields of one connection, as above, and `Expect`", always, "RFC 9110, sections 7.6.1 and 10.1.1: varnishd asks for the body itself", func(c *comparison) bool {
		dropHop(c.got.request.fields)
		dropped := dropHop(c.want.request.fields)
		return drop(c.want.request.fields, "expect") || dropped
	}},
	{"`Content-Length`", always, "bodies are framed anew; what came without a length goes on chunked", func(c *comparison) bool {
		if len(c.want.request.fields["content-length"]) > 0 {
			return false
		}
		return drop(c.got.request.fields, "content-length")
	}},
	{"several lines of `Cache-Control`", always, "varnishd joins them into one (RFC 9110, section 5.3)", func(c *comparison) bool {
		return join(c.want.request.fields, "cache-control")
	}},
	{"`X-Varnish`", always, "is dropped, unless the parameter `xVarnish` says that it is sent", func(c *comparison) bool {
		return drop(c.want.request.fields, "x-varnish")
	}},
	{"the version", always, "requests to backends are HTTP/1.1", func(c *comparison) bool {
		was := c.want.request.version
		c.want.request.version = "HTTP/1.1"
		return was != "HTTP/1.1"
	}},
	{"a target in absolute form", always, "is taken apart: its host is the `Host` (RFC 9112, section 3.2.2)", func(c *comparison) bool {
		target, isAbsolute := strings.CutPrefix(c.want.request.target, "http://a.example")
		c.want.request.target = target
		return isAbsolute
	}},
	{"`X-Forwarded-For`, `X-Forwarded-Proto`, `X-Forwarded-Host`, `X-Forwarded-Port`, `Forwarded`", always, "[what a client claims](../concepts/listeners.md) is replaced by what is so", func(c *comparison) bool {
		want := c.want.request.fields
		drop(want, "forwarded")
		drop(want, "x-forwarded-port")
		want["x-forwarded-for"], want["x-forwarded-proto"], want["x-forwarded-host"] = []string{"127.0.0.1"}, []string{c.scheme}, []string{"a.example"}
		return true
	}},
	{"`X-Gateway-*`", always, "are the gateway's own: the listener and the route", func(c *comparison) bool {
		for name := range c.want.request.fields {
			if strings.HasPrefix(name, "x-gateway-") {
				drop(c.want.request.fields, name)
			}
		}
		c.want.request.fields["x-gateway-route"] = []string{"default/main"}
		listener := c.got.request.fields["x-gateway-listener"]
		c.want.request.fields["x-gateway-listener"] = listener
		return len(listener) == 1 && strings.HasPrefix(listener[0], c.scheme+"-")
	}},
	{"`Via`", always, "the gateway adds itself", func(c *comparison) bool {
		version := map[bool]string{false: "1.1", true: "2.0"}[c.isHTTP2]
		if c.version != "" {
			version = c.version
		}
		c.want.request.fields["via"] = []string{strings.Join(append(slices.Clone(c.want.request.fields["via"]), version+" varnish-gateway"), ", ")}
		return true
	}},
}

// allow applies all differences, and counts those that an exchange has.
func (c *comparison) allow(counts map[string]int) {
	for _, list := range [][]difference{ofTheAnswer, ofTheRequest} {
		for i, d := range list {
			if d.apply(c) {
				counts[fmt.Sprintf("%d %s", i, d.what)]++
			}
		}
	}
}

func drop(fields map[string][]string, name string) bool {
	_, has := fields[name]
	delete(fields, name)
	return has
}

func dropHop(fields map[string][]string) bool {
	dropped := false
	for _, value := range fields["connection"] {
		for name := range strings.SplitSeq(value, ",") {
			dropped = drop(fields, strings.ToLower(strings.TrimSpace(name))) || dropped
		}
	}
	for _, name := range hop {
		dropped = drop(fields, name) || dropped
	}
	return dropped
}

func join(fields map[string][]string, name string) bool {
	if len(fields[name]) < 2 {
		return false
	}
	fields[name] = []string{strings.Join(fields[name], ", ")}
	return true
}

// differencesTable is the page's part that is made from the lists.
func differencesTable() string {
	var b strings.Builder
	for _, part := range []struct {
		title string
		list  []difference
	}{{"Answers", ofTheAnswer}, {"Requests", ofTheRequest}} {
		fmt.Fprintf(&b, "## %s\n\n| what | where | why |\n|---|---|---|\n", part.title)
		for _, d := range part.list {
			fmt.Fprintf(&b, "| %s | %s | %s |\n", d.what, d.where, d.why)
		}
		b.WriteString("\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}
