package e2e

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/recorder"
)

// malformedHTTP2 is a row of the table for HTTP/2: a request, and what may become of it.
type malformedHTTP2 struct {
	sentence, source string
	message          message
	// refused allows a reset, the end of the connection, 4xx or 501, and nothing reaches the backend.
	refused bool
	// taken is what the backend may get instead, in short; empty where the request must be refused.
	taken string
	// host, where it is set, is what the backend must see as Host.
	host string
	// begun is what the backend may have got, in short, before what is wrong came; the client is refused all the same.
	begun string
}

// asked is a GET of /x with some pseudo fields replaced, or left out where the value is absent, and more fields.
func asked(replace map[string]string, more ...field) []field {
	fields := []field{{":method", "GET"}, {":scheme", "http"}, {":authority", "a.example"}, {":path", "/x"}}
	fields = slices.DeleteFunc(fields, func(f field) bool { return replace[f.name] == absent })
	for i, f := range fields {
		if value, ok := replace[f.name]; ok {
			fields[i].value = value
		}
	}
	return append(fields, more...)
}

// absent stands for a pseudo field that is left out.
const absent = "(absent)"

func withField(name, value string) message { return message{fields: asked(nil, field{name, value})} }

func withPseudo(name, value string) message {
	return message{fields: asked(map[string]string{name: value})}
}

// behindField has one of the pseudo fields behind another field.
func behindField(name string) message {
	fields := asked(nil)
	at := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	late := fields[at]
	return message{fields: append(slices.Delete(fields, at, at+1), field{"x-a", "1"}, late)}
}

// posted is a POST with a body and more fields.
func posted(body string, more ...field) message {
	return message{fields: asked(map[string]string{":method": "POST"}, more...), body: &body}
}

func malformedHTTP2Rows() []malformedHTTP2 {
	must := func(sentence, source string, m message) malformedHTTP2 {
		return malformedHTTP2{sentence: sentence, source: "RFC 9113 section " + source, message: m, refused: true}
	}
	may := func(sentence, source string, m message, taken string) malformedHTTP2 {
		return malformedHTTP2{sentence: sentence, source: "RFC 9113 section " + source, message: m, refused: true, taken: taken}
	}
	valid := func(sentence, source string, m message, taken string) malformedHTTP2 {
		return malformedHTTP2{sentence: sentence, source: "RFC 9113 section " + source, message: m, taken: taken}
	}
	rows := []malformedHTTP2{
		valid("a request", "8.3.1", withField("x-a", "1"), "GET /x"),
		valid("a request with a body", "8.1", posted("body", field{"content-length", "4"}), "POST /x body"),
		valid("a request with a body of no length", "8.1", posted("body"), "POST /x body"),
		valid("te: trailers", "8.2.2", withField("te", "trailers"), "GET /x"),
		valid("a cookie in crumbs", "8.2.3", message{fields: asked(nil, field{"cookie", "a=1"}, field{"cookie", "b=2"})}, "GET /x"),

		must("a name in capitals", "8.2.1", withField("X-A", "1")),
		must("a space within a name", "8.2.1", withField("x a", "1")),
		must("a colon within a name", "8.2.1", withField("x:a", "1")),
		must("a line end within a name", "8.2.1", withField("x-a: 1\r\nx-b", "1")),
		must("NUL within a name", "8.2.1", withField("x\x00a", "1")),
		must("a name beyond ASCII", "8.2.1", withField("x-\xe4", "1")),
		must("an empty name", "8.2.1", withField("", "1")),
		must("a line end within a value", "8.2.1", withField("x-a", "1\r\nx-b: 2")),
		must("a second request within a value", "8.2.1", withField("x-a", "1\r\n\r\n"+smuggled)),
		must("a bare LF within a value", "8.2.1", withField("x-a", "1\nx-b: 2")),
		must("a bare CR within a value", "8.2.1", withField("x-a", "1\rx-b: 2")),
		must("NUL within a value", "8.2.1", withField("x-a", "1\x002")),
		may("a space before a value", "8.2.1", withField("x-a", " 1"), "GET /x"),
		may("a space behind a value", "8.2.1", withField("x-a", "1 "), "GET /x"),

		must("no method", "8.3.1", withPseudo(":method", absent)),
		must("no scheme", "8.3.1", withPseudo(":scheme", absent)),
		must("no path", "8.3.1", withPseudo(":path", absent)),
		must("no authority, and no host", "8.3.1", withPseudo(":authority", absent)),
		must("an empty path", "8.3.1", withPseudo(":path", "")),
		must("a path without a slash", "8.3.1", withPseudo(":path", "x")),
		must("a path of an asterisk for GET", "8.3.1", withPseudo(":path", "*")),
		must("a path with a space", "8.2.1", withPseudo(":path", "/x HTTP/1.1")),
		must("a path with a second request", "8.2.1", withPseudo(":path", "/x HTTP/1.1\r\nHost: a.example\r\n\r\n"+smuggled)),
		must("a path with NUL", "8.2.1", withPseudo(":path", "/x\x00y")),
		must("two methods", "8.3", message{fields: append([]field{{":method", "GET"}}, asked(nil)...)}),
		must("two paths", "8.3", message{fields: append([]field{{":path", "/y"}}, asked(nil)...)}),
		must("two authorities", "8.3", message{fields: append([]field{{":authority", "b.example"}}, asked(nil)...)}),
		must("two schemes", "8.3", message{fields: append([]field{{":scheme", "https"}}, asked(nil)...)}),
		must("a pseudo field that is not defined", "8.3", message{fields: append([]field{{":x", "1"}}, asked(nil)...)}),
		must("a pseudo field of answers", "8.3", message{fields: append([]field{{":status", "200"}}, asked(nil)...)}),
		must("pseudo fields behind a field", "8.3", message{fields: append([]field{{"x-a", "1"}}, asked(nil)...)}),
		must("the method behind a field", "8.3", behindField(":method")),
		must("the path behind a field", "8.3", behindField(":path")),
		must("the scheme behind a field", "8.3", behindField(":scheme")),
		must("a pseudo field in trailers", "8.3", func() message {
			m := posted("body")
			m.trailers = []field{{":path", "/y"}}
			return m
		}()),
		must("an empty method", "8.3.1", withPseudo(":method", "")),
		must("a method with a space", "8.2.1", withPseudo(":method", "GET /y HTTP/1.1")),
		must("a method with a line end", "8.2.1", withPseudo(":method", "GET / HTTP/1.1\r\nx-a: 1\r\n\r\nGET")),
		must("CONNECT with scheme and path", "8.5", withPseudo(":method", "CONNECT")),
		must("CONNECT", "8.5", message{fields: []field{{":method", "CONNECT"}, {":authority", "a.example:443"}}}),
		must("an authority with a user", "8.3.1", withPseudo(":authority", "u@a.example")),
		must("an authority with a path", "8.3.1", withPseudo(":authority", "a.example/y")),
		must("an authority with a line end", "8.2.1", withPseudo(":authority", "a.example\r\nx-a: 1")),
		must("an authority with a space", "8.3.1", withPseudo(":authority", "a.example b.example")),
		must("a scheme with a line end", "8.2.1", withPseudo(":scheme", "http\r\nx-a: 1")),

		must("a path with a fragment", "8.3.1", withPseudo(":path", "/x#y")),
		must("a path with a backslash", "8.3.1", withPseudo(":path", "/\\x")),
		must("a path with an encoded NUL", "8.3.1", withPseudo(":path", "/a%00b")),
		must("a path beyond ASCII", "8.3.1", withPseudo(":path", "/\xe4")),
		must("a path with a tab", "8.2.1", withPseudo(":path", "/a\tb")),
		must("a path with DEL", "8.2.1", withPseudo(":path", "/a\x7fb")),
		must("a path of another scheme", "8.3.1", withPseudo(":path", "ftp://a.example/x")),
		must("an authority that is empty", "8.3.1", withPseudo(":authority", "")),
		must("an authority with a query", "8.3.1", withPseudo(":authority", "a.example?x")),
		must("an authority with a port that is no number", "8.3.1", withPseudo(":authority", "a.example:x")),
		must("an authority beyond ASCII", "8.3.1", withPseudo(":authority", "\xe4.example")),
		must("two hosts", "8.3.1", message{fields: asked(map[string]string{":authority": absent}, field{"host", "a.example"}, field{"host", "b.example"})}),
		must("a host with a line end", "8.2.1", message{fields: asked(map[string]string{":authority": absent}, field{"host", "a.example\r\nx-a: 1"})}),
		must("a method with a tab", "8.2.1", withPseudo(":method", "GET\t")),
		must("a method with a parenthesis", "8.3.1", withPseudo(":method", "GE(T")),
		must("a name with a tab", "8.2.1", withField("x\ta", "1")),
		must("DEL within a name", "8.2.1", withField("x\x7fa", "1")),
		must("a colon at the end of a name", "8.2.1", withField("x-a:", "1")),
		may("an expectation", "8.1", posted("body", field{"expect", "100-continue"}), "POST /x body"),

		must("connection", "8.2.2", withField("connection", "close")),
		must("connection that names a field", "8.2.2", message{fields: asked(nil, field{"connection", "x-a"}, field{"x-a", "1"})}),
		must("an empty connection", "8.2.2", withField("connection", "")),
		must("keep-alive", "8.2.2", withField("keep-alive", "timeout=5")),
		must("proxy-connection", "8.2.2", withField("proxy-connection", "keep-alive")),
		must("upgrade", "8.2.2", withField("upgrade", "websocket")),
		must("a coding", "8.2.2", withField("transfer-encoding", "chunked")),
		must("a coding, and a body", "8.2.2", posted("body", field{"transfer-encoding", "chunked"})),
		must("a coding, and chunks as body", "8.2.2", posted("0\r\n\r\n"+smuggled, field{"transfer-encoding", "chunked"})),
		must("te: gzip", "8.2.2", withField("te", "gzip")),
		must("te: trailers, and a coding", "8.2.2", withField("te", "trailers, deflate")),

		must("a length that is too large", "8.1.1", posted("body", field{"content-length", "5"})),
		must("a length that is too small", "8.1.1", posted("body", field{"content-length", "3"})),
		must("a length, and no body", "8.1.1", message{fields: asked(map[string]string{":method": "POST"}, field{"content-length", "4"})}),
		must("two lengths that differ", "8.1.1", posted("body", field{"content-length", "4"}, field{"content-length", "5"})),
		may("two lengths that agree", "8.1.1", posted("body", field{"content-length", "4"}, field{"content-length", "4"}), "POST /x body"),
		must("a negative length", "8.1.1", posted("body", field{"content-length", "-4"})),
		must("a length with a sign", "8.1.1", posted("body", field{"content-length", "+4"})),
		must("a hexadecimal length", "8.1.1", posted("body", field{"content-length", "0x4"})),
	}
	other := may("a host other than the authority", "8.3.1", withField("host", "b.example"), "GET /x")
	other.host = "a.example"
	only := valid("a host, and no authority", "8.3.1", message{fields: asked(map[string]string{":authority": absent}, field{"host", "a.example"})}, "GET /x")
	only.host = "a.example"
	// varnishd makes a Host of it, which may stand anywhere. There is one all the same, and it is what rules are chosen by.
	late := may("the authority behind a field", "8.3", behindField(":authority"), "GET /x")
	late.host = "a.example"
	return append(rows, other, only, late)
}

// TestMalformedRequestsOfHTTP2 tries what becomes another request, or a part of one, where a gateway writes a request of
// HTTP/2 down as one of HTTP/1.1 without looking.
func TestMalformedRequestsOfHTTP2(t *testing.T) {
	g, backend := startRecorded(t, nil)
	for _, scheme := range []string{"http", "https"} {
		for _, row := range malformedHTTP2Rows() {
			t.Run(scheme+"/"+row.sentence, func(t *testing.T) { tryHTTP2(t, g, backend, scheme, row) })
		}
	}
}

// TestARequestAsTheBodyOfAnotherOfHTTP2 has a gateway of its own for each try: what the backend may get before the fault comes
// may also come to it late.
func TestARequestAsTheBodyOfAnotherOfHTTP2(t *testing.T) {
	row := malformedHTTP2{
		sentence: "a length of nothing, and a request as body", source: "RFC 9113 section 8.1.1", refused: true,
		message: posted(smuggled, field{"content-length", "0"}), begun: "POST /x",
	}
	for _, scheme := range []string{"http", "https"} {
		t.Run(scheme, func(t *testing.T) {
			g, backend := startRecorded(t, nil)
			tryHTTP2(t, g, backend, scheme, row)
		})
	}
}

// tryHTTP2 makes the request of a row, and checks what became of it.
func tryHTTP2(t *testing.T, g *gateway, backend *recorder.Recorder, scheme string, row malformedHTTP2) {
	t.Helper()
	stream := g.exchangeHTTP2(scheme, row.message)
	requests, err := backend.Take()
	require.NoError(t, err, "what the backend gets is well formed")
	if row.begun != "" && slices.Equal(inShort(requests), []string{row.begun}) {
		requests = nil
	}
	if row.refused && len(requests) == 0 {
		assert.True(t, stream.refused(), "%s: %s", row.source, stream)
		g.unharmed(t, backend, row.begun)
		return
	}
	require.NotEmpty(t, row.taken, "%s: it is refused, but the backend got %q, and the client %s", row.source, inShort(requests), stream)
	require.Equal(t, []string{row.taken}, inShort(requests), "%s: the client got %s", row.source, stream)
	checkFields(t, requests[0])
	assert.Equal(t, []string{"200", row.taken, "whole"}, []string{stream.status, stream.body, stream.end})
	if row.host != "" {
		assert.Equal(t, row.host, requests[0].Host)
	}
	for name := range requests[0].Header {
		assert.False(t, strings.HasPrefix(name, ":"), name)
	}
	g.unharmed(t, backend, "")
}
