package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/recorder"
)

// A message is followed on its connection by last. Where the message is taken for what it is, last is the next request;
// a gateway that sees another end of the message takes a part of it for a request, or last for a part of it.
const last = "GET /last HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n"

// smuggled is a request that stands where only a body may be. It must reach no backend.
const smuggled = "GET /smuggled HTTP/1.1\r\nHost: a.example\r\n\r\n"

// malformed is a row of the table: a message, and what may become of it.
type malformed struct {
	sentence, source, message string
	// refused allows one answer 4xx, 501 or 505, and that nothing of the message reaches the backend. The connection may go
	// on where its end is clear.
	refused bool
	// ends is where nobody knows the end of the message: its refusal ends the connection (RFC 9112
	// section 6.3).
	ends bool
	// taken is what the backend may get instead, each in short; nil where the message must be refused.
	taken []string
	// host, where it is set, is what the backend must see as Host.
	host string
}

// must is a row that is refused, may one that is refused or taken in one way only, and valid one that is taken.
func must(sentence, source, message string) malformed {
	return malformed{sentence: sentence, source: source, message: message, refused: true}
}

func may(sentence, source, message string, taken ...string) malformed {
	return malformed{sentence: sentence, source: source, message: message, refused: true, taken: taken}
}

func valid(sentence, source, message string, taken ...string) malformed {
	return malformed{sentence: sentence, source: source, message: message, taken: taken}
}

// post is a request with a body, whose framing is given by fields, each with its line end.
func post(fields, body string) string {
	return "POST /x HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n" + body
}

// get1 is a request for a target with more fields.
func get1(target, fields string) string {
	return "GET " + target + " HTTP/1.1\r\nHost: a.example\r\n" + fields + "\r\n"
}

const chunked = "Transfer-Encoding: chunked\r\n"

func malformedFraming() []malformed {
	body := "4\r\nbody\r\n0\r\n\r\n"
	rows := []malformed{
		may("both framings, the length shorter", "RFC 9112 section 6.1", post("Content-Length: 4\r\n"+chunked, "0\r\n\r\n"+smuggled)),
		must("both framings, the length behind the coding", "RFC 9112 section 6.1", post(chunked+"Content-Length: 5\r\n", "0\r\n\r\n")),
		must("a coding that nobody knows", "RFC 9112 section 6.1", post("Transfer-Encoding: xchunked\r\n", body)),
		must("a coding that nobody knows, and a length", "RFC 9112 section 6.3", post("Content-Length: 4\r\nTransfer-Encoding: xchunked\r\n", "body")),
		must("chunked is not the last coding", "RFC 9112 section 6.3", post("Transfer-Encoding: chunked, identity\r\n", body)),
		must("chunked twice in one field", "RFC 9112 section 6.1", post("Transfer-Encoding: chunked, chunked\r\n", body)),
		must("chunked twice in two fields", "RFC 9112 section 6.1", post(chunked+chunked, body)),
		must("the coding in quotes", "RFC 9112 section 6.1", post("Transfer-Encoding: \"chunked\"\r\n", body)),
		must("the coding behind a vertical tab", "RFC 9110 section 5.5", post("Transfer-Encoding: \x0bchunked\r\n", body)),
		must("a space between name and colon of the coding", "RFC 9112 section 5.1", post("Transfer-Encoding : chunked\r\n", body)),
		must("a space between name and colon of the length", "RFC 9112 section 5.1", post("Content-Length : 4\r\n", "body")),
		may("the coding folded", "RFC 9112 section 5.2", post("Transfer-Encoding:\r\n chunked\r\n", body), "POST /x body"),
		may("the coding in a request of HTTP/1.0", "RFC 9112 section 6.1", "POST /x HTTP/1.0\r\nHost: a.example\r\n"+chunked+"\r\n"+body, "POST /x body"),
		valid("the coding in capitals", "RFC 9112 section 7", post("TRANSFER-ENCODING: CHUNKED\r\n", body), "POST /x body"),
		valid("the coding behind a tab", "RFC 9110 section 5.5", post("Transfer-Encoding:\tchunked\r\n", body), "POST /x body"),

		must("an empty coding", "RFC 9112 section 6.1", post("Transfer-Encoding:\r\n", body)),
		must("another coding before chunked", "RFC 9112 section 6.1", post("Transfer-Encoding: gzip, chunked\r\n", body)),
		must("another coding in a field before", "RFC 9112 section 6.1", post("Transfer-Encoding: identity\r\n"+chunked, body)),
		must("another coding in a field behind", "RFC 9112 section 6.3", post(chunked+"Transfer-Encoding: identity\r\n", body)),
		must("a parameter of chunked", "RFC 9112 section 7", post("Transfer-Encoding: chunked;q=1\r\n", body)),
		may("an empty element behind chunked", "RFC 9110 section 5.6.1", post("Transfer-Encoding: chunked,\r\n", body), "POST /x body"),
		may("chunked with a space behind", "RFC 9110 section 5.5", post("Transfer-Encoding: chunked \r\n", body), "POST /x body"),
		must("a tab between name and colon of the coding", "RFC 9112 section 5.1", post("Transfer-Encoding\t: chunked\r\n", body)),
		must("a vertical tab behind the coding", "RFC 9110 section 5.5", post("Transfer-Encoding: chunked\x0b\r\n", body)),
		must("NUL behind the coding", "RFC 9110 section 5.5", post("Transfer-Encoding: chunked\x00\r\n", body)),
		may("a name like the coding's, with an underscore", "RFC 9112 section 6.1", post("Transfer_Encoding: chunked\r\nContent-Length: 4\r\n", "body"), "POST /x body"),
		may("a name like the length's, with an underscore", "RFC 9110 section 8.6", post("Content_Length: 0\r\nContent-Length: 4\r\n", "body"), "POST /x body"),

		must("two lengths that differ", "RFC 9112 section 6.3", post("Content-Length: 4\r\nContent-Length: 5\r\n", "body")),
		may("two lengths that agree", "RFC 9110 section 8.6", post("Content-Length: 4\r\nContent-Length: 4\r\n", "body"), "POST /x body"),
		must("a list of lengths that differ", "RFC 9112 section 6.3", post("Content-Length: 4, 5\r\n", "body")),
		may("a list of lengths that agree", "RFC 9110 section 8.6", post("Content-Length: 4, 4\r\n", "body"), "POST /x body"),
		must("a negative length", "RFC 9110 section 8.6", post("Content-Length: -4\r\n", "body")),
		must("a length with a sign", "RFC 9110 section 8.6", post("Content-Length: +4\r\n", "body")),
		must("a hexadecimal length", "RFC 9110 section 8.6", post("Content-Length: 0x4\r\n", "body")),
		must("a length with a letter behind", "RFC 9110 section 8.6", post("Content-Length: 4a\r\n", "body")),
		must("a length with a space within", "RFC 9110 section 8.6", post("Content-Length: 4 4\r\n", "body")),
		must("an empty length", "RFC 9110 section 8.6", post("Content-Length:\r\n", "")),
		must("a length beyond 64 bits", "RFC 9110 section 8.6", post("Content-Length: 18446744073709551620\r\n", "body")),
		must("a length with a fraction", "RFC 9110 section 8.6", post("Content-Length: 4.0\r\n", "body")),
		may("a length with a zero before it", "RFC 9110 section 8.6", post("Content-Length: 04\r\n", "body"), "POST /x body"),
		valid("a length between spaces and tabs", "RFC 9110 section 5.5", post("Content-Length: \t4 \t\r\n", "body"), "POST /x body"),
		must("a length in two fields, one of them empty", "RFC 9112 section 6.3", post("Content-Length: 4\r\nContent-Length:\r\n", "body")),
		must("a length behind NUL", "RFC 9110 section 5.5", post("Content-Length: \x004\r\n", "body")),
		may("a body of a GET", "RFC 9110 section 9.3.1", get1("/x", "Content-Length: 43\r\n")+smuggled, "GET /x "+strings.TrimSpace(smuggled)),

		may("chunks of a GET", "RFC 9110 section 9.3.1", get1("/x", chunked)+"4\r\nbody\r\n0\r\n\r\n", "GET /x body"),
		may("a body of a HEAD", "RFC 9110 section 9.3.2", "HEAD /x HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\nContent-Length: 43\r\n\r\n"+smuggled),
		may("a body of a DELETE", "RFC 9110 section 9.3.5", strings.Replace(post("Content-Length: 43\r\n", smuggled), "POST", "DELETE", 1), "DELETE /x "+strings.TrimSpace(smuggled)),
		valid("a body that does not wait for 100", "RFC 9110 section 10.1.1", post("Expect: 100-continue\r\nContent-Length: 43\r\n", smuggled), "POST /x "+strings.TrimSpace(smuggled)),
		may("another expectation", "RFC 9110 section 10.1.1", post("Expect: 200-ok\r\nContent-Length: 4\r\n", "body"), "POST /x body"),
		may("an upgrade to HTTP/2 with a body", "RFC 9113 section 3.1", post("Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\nContent-Length: 43\r\n", smuggled), "POST /x "+strings.TrimSpace(smuggled)),
		may("an upgrade to another protocol", "RFC 9110 section 7.8", get1("/x", "Connection: Upgrade\r\nUpgrade: websocket\r\n"), "GET /x"),

		// A recipient should ignore extensions and trailers that it does not know. varnishd refuses both, and ends the
		// connection, so nothing behind them is taken for a request (docs/reference/limits.md).
		must("an extension of a chunk", "RFC 9112 section 7.1.1", post(chunked, "4;a=b\r\nbody\r\n0\r\n\r\n")),
		must("an extension of the last chunk", "RFC 9112 section 7.1.1", post(chunked, "4\r\nbody\r\n0;c\r\n\r\n")),
		valid("zeros before a size", "RFC 9112 section 7.1", post(chunked, "0004\r\nbody\r\n000\r\n\r\n"), "POST /x body"),
		must("trailers", "RFC 9112 section 7.1.2", post(chunked, "4\r\nbody\r\n0\r\nX-Trailer: 1\r\n\r\n")),
		must("trailers, a length among them", "RFC 9110 section 6.5.1", post(chunked, "4\r\nbody\r\n0\r\nContent-Length: 50\r\nX-Trailer: 1\r\n\r\n")),
		must("a size with 0x", "RFC 9112 section 7.1", post(chunked, "0x4\r\nbody\r\n0\r\n\r\n")),
		must("a negative size", "RFC 9112 section 7.1", post(chunked, "-4\r\nbody\r\n0\r\n\r\n")),
		must("a size with a sign", "RFC 9112 section 7.1", post(chunked, "+4\r\nbody\r\n0\r\n\r\n")),
		must("a size beyond 64 bits", "RFC 9112 section 7.1", post(chunked, "10000000000000004\r\nbody\r\n0\r\n\r\n")),
		must("no size", "RFC 9112 section 7.1", post(chunked, "\r\nbody\r\n0\r\n\r\n")),
		must("a chunk longer than its size", "RFC 9112 section 7.1", post(chunked, "4\r\nbodyX\r\n0\r\n\r\n")),
		may("a space behind a size", "RFC 9112 section 7.1", post(chunked, "4 \r\nbody\r\n0\r\n\r\n"), "POST /x body"),
		may("a space before a size", "RFC 9112 section 7.1", post(chunked, " 4\r\nbody\r\n0\r\n\r\n"), "POST /x body"),
		must("a size with a letter that is no digit", "RFC 9112 section 7.1", post(chunked, "4g\r\nbody\r\n0\r\n\r\n")),
		must("a size with an underscore", "RFC 9112 section 7.1", post(chunked, "0_4\r\nbody\r\n0\r\n\r\n")),
		must("a size of only a CR", "RFC 9112 section 7.1", post(chunked, "\r\r\nbody\r\n0\r\n\r\n")),
		may("many zeros before a size", "RFC 9112 section 7.1", post(chunked, strings.Repeat("0", 100)+"4\r\nbody\r\n0\r\n\r\n"), "POST /x body"),
		must("no line end behind a chunk", "RFC 9112 section 7.1", post(chunked, "4\r\nbody0\r\n\r\n")),
		must("two bytes other than a line end behind a chunk", "RFC 9112 section 7.1", post(chunked, "4\r\nbodyXX0\r\n\r\n")),
		may("a bare LF behind a size", "RFC 9112 section 7.1", post(chunked, "4\nbody\r\n0\r\n\r\n"), "POST /x body"),
		may("a bare LF behind a chunk", "RFC 9112 section 7.1", post(chunked, "4\r\nbody\n0\r\n\r\n"), "POST /x body"),
		must("a bare LF in an extension", "RFC 9112 section 7.1.1", post(chunked, "4;a\nbody\r\n0\r\n\r\n")),
		must("a bare CR in an extension", "RFC 9112 section 7.1.1", post(chunked, "4;a\rb\r\nbody\r\n0\r\n\r\n")),
	}
	for i := range rows {
		rows[i].ends = rows[i].refused && rows[i].taken == nil
	}
	return rows
}

func malformedFields() []malformed {
	return []malformed{
		may("bare LF at the end of lines", "RFC 9112 section 2.2", "GET /x HTTP/1.1\nHost: a.example\n\n", "GET /x"),
		may("a bare CR in a value", "RFC 9112 section 2.2", get1("/x", "X-A: a\rb\r\n"), "GET /x"),
		may("a bare CR before another field", "RFC 9112 section 2.2", get1("/x", "X-A: a\rContent-Length: 5\r\n"), "GET /x"),
		may("a folded field", "RFC 9112 section 5.2", get1("/x", "X-A: a\r\n b\r\n"), "GET /x"),
		may("a space before the first field", "RFC 9112 section 2.2", "GET /x HTTP/1.1\r\n X-A: 1\r\nHost: a.example\r\n\r\n", "GET /x"),
		may("NUL in a value", "RFC 9110 section 5.5", get1("/x", "X-A: a\x00b\r\n"), "GET /x"),
		must("NUL in a name", "RFC 9110 section 5.1", get1("/x", "X\x00A: 1\r\n")),
		must("a space before a colon", "RFC 9112 section 5.1", get1("/x", "X-A : 1\r\n")),
		must("a space within a name", "RFC 9110 section 5.1", get1("/x", "X A: 1\r\n")),
		must("a parenthesis within a name", "RFC 9110 section 5.1", get1("/x", "X(A: 1\r\n")),
		must("an empty name", "RFC 9110 section 5.1", get1("/x", ": 1\r\n")),
		must("a line without a colon", "RFC 9112 section 5", get1("/x", "garbage\r\n")),
		must("a name beyond ASCII", "RFC 9110 section 5.1", get1("/x", "X-\xe4: 1\r\n")),
		valid("an empty value", "RFC 9110 section 5.5", get1("/x", "X-A:\r\n"), "GET /x"),
		valid("an underscore in a name", "RFC 9110 section 5.6.2", get1("/x", "X_A: 1\r\n"), "GET /x"),
		valid("empty lines before a request", "RFC 9112 section 2.2", "\r\n"+get1("/x", ""), "GET /x"),
		valid("two requests at once", "RFC 9112 section 9.3.2", get1("/x", "")+get1("/y", ""), "GET /x", "GET /y"),
		must("a tab before a colon", "RFC 9112 section 5.1", get1("/x", "X-A\t: 1\r\n")),
		must("a name in quotes", "RFC 9110 section 5.1", get1("/x", "\"X-A\": 1\r\n")),
		must("DEL in a name", "RFC 9110 section 5.1", get1("/x", "X\x7fA: 1\r\n")),
		may("DEL in a value", "RFC 9110 section 5.5", get1("/x", "X-A: a\x7fb\r\n"), "GET /x"),
		may("a form feed in a value", "RFC 9110 section 5.5", get1("/x", "X-A: a\x0cb\r\n"), "GET /x"),
		valid("a value beyond ASCII", "RFC 9110 section 5.5", get1("/x", "X-A: \xe4\r\n"), "GET /x"),
		may("a folded Host", "RFC 9112 section 5.2", "GET /x HTTP/1.1\r\nHost:\r\n a.example\r\n\r\n", "GET /x"),
		may("a line of spaces between fields", "RFC 9112 section 5.2", get1("/x", "X-A: 1\r\n \r\nX-B: 2\r\n"), "GET /x"),
		may("Connection names a field of the gateway", "RFC 9110 section 7.6.1", get1("/x", "Connection: X-Forwarded-For, X-Forwarded-Proto\r\n"), "GET /x"),
		may("Connection names Host", "RFC 9110 section 7.6.1", get1("/x", "Connection: Host\r\n"), "GET /x"),
		may("Connection names the length", "RFC 9110 section 7.6.1", post("Connection: Content-Length\r\nContent-Length: 43\r\n", smuggled), "POST /x "+strings.TrimSpace(smuggled)),
		may("Connection names the coding", "RFC 9110 section 7.6.1", post("Connection: Transfer-Encoding\r\n"+chunked, "4\r\nbody\r\n0\r\n\r\n"), "POST /x body"),
	}
}

func malformedTargets() []malformed {
	line := func(start, fields string) string { return start + "\r\n" + fields + "\r\n" }
	const host = "Host: a.example\r\n"
	rows := []malformed{
		must("a fragment", "RFC 9112 section 3.2", get1("/x#y", "")),
		must("an empty fragment", "RFC 9112 section 3.2", get1("/x#", "")),
		must("a fragment behind a query", "RFC 9112 section 3.2", get1("/x?y#z", "")),
		must("a fragment in absolute-form", "RFC 9112 section 3.2", get1("http://a.example/x#y", "")),
		must("a target without a slash", "RFC 9112 section 3.2", get1("x", "")),
		must("an asterisk for GET", "RFC 9112 section 3.2.4", get1("*", "")),
		must("a space in the target", "RFC 9112 section 3", get1("/a b", "")),
		must("a tab in the target", "RFC 9112 section 3", get1("/a\tb", "")),
		must("NUL in the target", "RFC 9112 section 3.2", get1("/a\x00b", "")),
		must("a bare CR in the target", "RFC 9112 section 3.2", get1("/a\rb", "")),
		must("DEL in the target", "RFC 9112 section 3.2", get1("/a\x7fb", "")),
		must("a target beyond ASCII", "RFC 9112 section 3.2", get1("/\xe4", "")),
		must("a backslash in the path", "RFC 3986 section 3.3", get1("/\\admin", "")),
		must("an encoded NUL in the path", "RFC 3986 section 7.3", get1("/a%00b", "")),
		must("authority-form for GET", "RFC 9112 section 3.2.3", get1("a.example:80", "")),
		must("absolute-form with a user", "RFC 9110 section 4.2.4", get1("http://u@a.example/x", "")),
		must("absolute-form with a space in the host", "RFC 9112 section 3.2.2", get1("http://a.example b/x", "")),
		must("absolute-form with another scheme", "RFC 9112 section 3.2.2", get1("ftp://a.example/x", "")),
		must("absolute-form without a host", "RFC 9110 section 4.2.1", get1("http:///x", "")),
		must("CONNECT", "RFC 9110 section 9.3.6", line("CONNECT a.example:443 HTTP/1.1", host)),
		must("a method with a parenthesis", "RFC 9110 section 9.1", line("GE(T /x HTTP/1.1", host)),
		must("no method", "RFC 9112 section 3", line(" /x HTTP/1.1", host)),
		may("two spaces behind the method", "RFC 9112 section 3", line("GET  /x HTTP/1.1", host), "GET /x"),
		must("a version beyond HTTP/1", "RFC 9110 section 2.5", line("GET /x HTTP/3.0", host)),
		must("a version in small letters", "RFC 9112 section 2.3", line("GET /x http/1.1", host)),
		must("a version in mixed letters", "RFC 9112 section 2.3", line("GET /x Http/1.1", host)),
		must("a version with a letter behind", "RFC 9112 section 2.3", line("GET /x HTTP/1.1x", host)),
		must("a version of three digits", "RFC 9112 section 2.3", line("GET /x HTTP/1.10", host)),
		may("a later version of HTTP/1", "RFC 9110 section 2.5", line("GET /x HTTP/1.2", host), "GET /x"),
		must("a request of HTTP/0.9", "RFC 9112 section 2.3", line("GET /x", "")),
		must("no Host", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "")),
		must("no Host, and absolute-form", "RFC 9112 section 3.2", line("GET http://a.example/x HTTP/1.1", "")),
		must("two Hosts that differ", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", host+"Host: b.example\r\n")),
		must("two Hosts that agree", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", host+host)),
		must("a Host with a path", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: a.example/y\r\n")),
		must("a Host with a user", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: u@a.example\r\n")),
		must("a Host with a space", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: a.example b.example\r\n")),
		must("two Hosts in one field", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: a.example, b.example\r\n")),
		must("a port that is no number", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: a.example:x\r\n")),
		must("a Host with a scheme", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: http://a.example\r\n")),
		must("a Host with a query", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: a.example?x\r\n")),
		must("a Host with a fragment", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: a.example#x\r\n")),
		must("a Host with NUL", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: a.example\x00b\r\n")),
		must("a Host with a backslash", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: a.example\\b\r\n")),
		must("a Host beyond ASCII", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: \xe4.example\r\n")),
		may("a port beyond 65535", "RFC 3986 section 3.2.3", line("GET /x HTTP/1.1", "Host: a.example:65536\r\n"), "GET /x"),
		must("two ports", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: a.example:80:80\r\n")),
		must("an open bracket in the Host", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host: [::1\r\n")),
		may("an empty Host", "RFC 9112 section 3.2", line("GET /x HTTP/1.1", "Host:\r\n"), "GET /x"),
	}
	absolute := valid("absolute-form and another Host", "RFC 9112 section 3.2.2", line("GET http://a.example/x HTTP/1.1", "Host: b.example\r\n"), "GET /x")
	absolute.host = "a.example"
	return append(rows, absolute)
}

// TestMalformedRequestsOfHTTP1 tries what request smuggling is made of: what one side takes for the end of a message, and
// another side does not.
func TestMalformedRequestsOfHTTP1(t *testing.T) {
	g, backend := startRecorded(t, nil)
	for kind, rows := range map[string][]malformed{"framing": malformedFraming(), "fields": malformedFields(), "targets": malformedTargets()} {
		for _, scheme := range []string{"http", "https"} {
			for _, row := range rows {
				t.Run(scheme+"/"+kind+"/"+row.sentence, func(t *testing.T) {
					answers := g.exchange(scheme, row.message+last)
					requests, err := backend.Take()
					require.NoError(t, err, "what the backend gets is well formed")
					row.check(t, answers, requests)
					g.unharmed(t, backend, "")
				})
			}
		}
	}
}

// check says what is wrong with what the client and the backend got.
func (m malformed) check(t *testing.T, answers []rawAnswer, requests []recorder.Request) {
	t.Helper()
	for _, r := range requests {
		assert.NotEqual(t, "/smuggled", r.Target, "a body became a request")
		checkFields(t, r)
	}
	got := inShort(requests)
	if n := len(got); n > 0 && got[n-1] == "GET /last" {
		got = got[:n-1]
	}
	if m.refused && len(got) == 0 {
		require.Len(t, answers, 1+len(requests), "%s: one answer to the message: %s", m.source, statuses(answers))
		assert.True(t, isRefusal(answers[0].StatusCode), "%s: status %d", m.source, answers[0].StatusCode)
		if m.ends {
			assert.Empty(t, requests, "%s: the connection goes on", m.source)
		}
		return
	}
	require.NotNil(t, m.taken, "%s: it is refused, but the backend got %q, and the client %s", m.source, inShort(requests), statuses(answers))
	require.Equal(t, m.taken, got, "%s: the client got %s", m.source, statuses(answers))
	require.Len(t, answers, len(requests), "one answer for each request")
	for i, a := range answers {
		assert.Equal(t, http.StatusOK, a.StatusCode)
		assert.Equal(t, requests[i].String(), a.body, "each request has its own answer")
	}
	if m.host != "" {
		assert.Equal(t, m.host, requests[0].Host)
	}
}

func isRefusal(status int) bool {
	return status >= 400 && status < 500 || status == http.StatusNotImplemented || status == http.StatusHTTPVersionNotSupported
}

// checkFields finds bytes in a request that a backend might take for the end of a field.
func checkFields(t *testing.T, r recorder.Request) {
	t.Helper()
	for name, values := range r.Header {
		for _, value := range values {
			assert.NotContains(t, value, "\r", name)
			assert.NotContains(t, value, "\n", name)
			assert.NotContains(t, value, "\x00", name)
		}
	}
}

// unharmed shows that the next client gets the answer to its own request, and that nothing else reaches the backend but
// what may have begun before.
func (g *gateway) unharmed(t *testing.T, backend *recorder.Recorder, begun string) {
	t.Helper()
	a, err := g.get("http://a.example/next")
	require.NoError(t, err)
	assert.Equal(t, "GET /next", string(a.body))
	requests, err := backend.Take()
	require.NoError(t, err)
	got := inShort(requests)
	if begun != "" && len(got) == 2 && got[0] == begun {
		got = got[1:]
	}
	assert.Equal(t, []string{"GET /next"}, got)
}
