package e2e

import (
	"compress/flate"
	"compress/gzip"
	"fmt"
	"strings"
)

func answerFields() []exchange {
	var all []exchange
	for name, fields := range map[string]string{
		"cookies":                      "Set-Cookie: a=1; Path=/\r\nSet-Cookie: b=2; Expires=" + longAgo + "\r\n",
		"Cache-Control on two lines":   "Cache-Control: no-cache\r\nCache-Control: no-store\r\n",
		"Vary on two lines":            "Vary: Cookie\r\nVary: Accept-Language\r\n",
		"other lists on two lines":     "Link: </a>; rel=preload\r\nLink: </b>; rel=preload\r\nAllow: GET\r\nAllow: PUT\r\n",
		"Age":                          "Age: 17\r\n",
		"an Age of 0":                  "Age: 0\r\n",
		"an Age that is none":          "Age: old\r\n",
		"Expires, Pragma and Warning":  "Expires: 0\r\nCache-Control: no-cache\r\nPragma: no-cache\r\nWarning: 199 - \"x\"\r\n",
		"who came before":              "Via: 1.0 first, 1.1 second (a comment)\r\n",
		"Server":                       "Server: Origin/1.2 (x)\r\nX-Powered-By: it\r\n",
		"an empty value":               "X-Empty:\r\nX-Blank:   \r\n",
		"blanks around a value":        "X-Blanks:  \t a  b \t \r\n",
		"what is no ASCII":             "X-Text: caf\xc3\xa9 \xe9\r\n",
		"a long value":                 "X-Long: " + strings.Repeat("x", 8000) + "\r\n",
		"many fields":                  strings.Repeat("X-Many: a value\r\n", 80),
		"a name in capitals":           "X-UPPER-name: Value\r\n",
		"a name of unusual characters": "x_a.b!c: v\r\n",
		"security policies":            "Strict-Transport-Security: max-age=1\r\nContent-Security-Policy: default-src 'self'; img-src *\r\nAccess-Control-Allow-Origin: *\r\n",
		"another Date":                 "Date: yesterday\r\n",
		"Content fields":               "Content-Type: text/html; charset=utf-8\r\nContent-Language: de\r\nContent-Location: /x\r\nContent-MD5: Q2hlY2s=\r\nContent-Disposition: attachment; filename=\"a;b\"\r\n",
		"Accept-Ranges and Alt-Svc":    "Accept-Ranges: bytes\r\nAlt-Svc: h3=\":443\"\r\n",
		"X-Varnish of another":         "X-Varnish: 1 2\r\nX-Cache: HIT\r\n",
		"fields of the gateway's name": "X-Gateway-Route: a\r\nX-Gateway-Other: b\r\nX-Forwarded-For: c\r\n",
		"Refresh and Location":         "Refresh: 0; url=/x\r\nLocation: //other.example/a?b#c\r\n",
		"ETag and Last-Modified":       "ETag: W/\"a,b\"\r\nLast-Modified: " + longAgo + "\r\n",
	} {
		answer := answer200(fields, "body")
		if strings.Contains(fields, "Date: ") {
			answer[0] = strings.Replace(answer[0], date, "", 1)
		}
		all = append(all, exchange{name: "an answer with " + name, method: "GET", target: "/", answer: answer})
	}
	return all
}

func requestFields() []exchange {
	var all []exchange
	for name, header := range map[string][]field{
		"cookies":                    {{"Cookie", "a=1; b=2"}},
		"credentials":                {{"Authorization", "Basic dTpw"}, {"Proxy-Authorization", "Basic dTpw"}},
		"what it accepts":            {{"Accept", "text/html, */*;q=0.1"}, {"Accept-Language", "de"}, {"Accept-Language", "en;q=0.5"}, {"Accept-Charset", "utf-8"}},
		"who it is":                  {{"User-Agent", "curl/8 (x; y)"}, {"From", "a@b.example"}, {"Referer", "http://c.example/"}, {"Origin", "null"}},
		"what caches shall do":       {{"Cache-Control", "no-cache"}, {"Pragma", "no-cache"}},
		"two lines of Cache-Control": {{"Cache-Control", "no-cache"}, {"Cache-Control", "no-store"}},
		"only what is cached":        {{"Cache-Control", "only-if-cached"}},
		"a type and no body":         {{"Content-Type", "text/plain"}},
		"an empty value":             {{"X-Empty", ""}},
		"two lines of a field":       {{"X-Two", "a"}, {"X-Other", "b"}, {"X-Two", "c"}},
		"what is no ASCII":           {{"X-Text", "caf\xc3\xa9"}},
		"a long value":               {{"X-Long", strings.Repeat("y", 12_000)}},
		"Max-Forwards":               {{"Max-Forwards", "3"}},
		"Priority and Early-Data":    {{"Priority", "u=1, i"}, {"Early-Data", "1"}},
		"who came before":            {{"Via", "1.0 first, 1.1 second"}},
		"claims of where it is from": {{"X-Forwarded-For", "192.0.2.9"}, {"Forwarded", "for=192.0.2.9"}, {"X-Forwarded-Proto", "gopher"}, {"X-Forwarded-Port", "1"}},
		"names of the gateway's own": {{"X-Gateway-Route", "forged/route"}, {"X-Gateway-Passed-Range", "bytes=0-1"}, {"X-Gateway-Part", "esi"}},
		"a transaction of Varnish's": {{"X-Varnish", "7"}},
		"conditions and a range":     {{"If-Match", `"a"`}, {"If-Range", `"a"`}, {"Range", "bytes=0-"}, {"If-Unmodified-Since", longAgo}},
		"tracing":                    {{"Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}, {"Baggage", "a=b"}},
	} {
		all = append(all, exchange{name: "a request with " + name, method: "GET", target: "/", header: header, answer: answer200("", "body")})
	}
	for name, header := range map[string][]field{
		"fields of its connection": {{"Connection", "keep-alive, X-Hop"}, {"Keep-Alive", "timeout=5"}, {"X-Hop", "a"}, {"X-End", "b"}},
		"TE":                       {{"Connection", "TE"}, {"TE", "trailers"}},
		"an upgrade":               {{"Connection", "Upgrade"}, {"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}},
		"two lines of Cookie":      {{"Cookie", "a=1"}, {"Cookie", "b=2"}},
	} {
		all = append(all, exchange{
			name: "a request with " + name, method: "GET", target: "/", header: header, answer: answer200("", "body"), onlyHTTP1: true,
		})
	}
	return append(all, exchange{
		name: "a request that expects 100", method: "POST", target: "/", header: []field{{"Expect", "100-continue"}}, body: "body",
		answer: answer200("", "done"), onlyHTTP1: true,
	})
}

func targets() []exchange {
	var all []exchange
	for _, target := range []string{
		"/", "/a/b/", "/a//b", "//a", "/a/./b/../c", "/a%2Fb", "/a%2fb", "/%7Ea", "/~a", "/caf%C3%A9", "/a?", "/a?b", "/a?b=c&d=e+f&b=g",
		"/a?b=%26&c=%zz", "/a;b=c/d", "/a:b@c", "/a?b?c", "/%", "/a|b", "/" + strings.Repeat("long/", 1000),
	} {
		all = append(all, exchange{name: "the target " + shortened(target), method: "GET", target: target, answer: answer200("", "body")})
	}
	return append(all, exchange{
		name: "a target in absolute form", method: "GET", target: "http://a.example/x?y", answer: answer200("", "body"), onlyHTTP1: true,
	}, exchange{
		name: "the target of all the server", method: "OPTIONS", target: "*", answer: answer200("Allow: GET\r\n", ""), onlyHTTP1: true,
	})
}

func shortened(text string) string {
	if len(text) > 40 {
		return fmt.Sprintf("%s... of %d bytes", text[:20], len(text))
	}
	return text
}

func interims() []exchange {
	final := answer200("", "body")[0]
	var all []exchange
	for name, before := range map[string]string{
		"100":              "HTTP/1.1 100 Continue\r\n\r\n",
		"102":              "HTTP/1.1 102 Processing\r\n\r\n",
		"103 with a field": "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n",
		"three":            strings.Repeat("HTTP/1.1 103 Early Hints\r\n\r\n", 3),
	} {
		for _, method := range []string{"GET", "POST"} {
			all = append(all, exchange{name: method + ", " + name + " before the answer", method: method, target: "/", answer: []string{before + final}})
		}
	}
	return all
}

// truncations end before their end, when their client has what there is.
func truncations() []exchange {
	const byLength, inChunks = "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 26\r\n\r\n", "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n"
	var all []exchange
	for name, e := range map[string]struct {
		answer string
		// bytes of the body that there are, and what comes behind them.
		bytes int
		last  string
	}{
		"by length":             {byLength + "abc", 3, ""},
		"by length, in gzip":    {"HTTP/1.1 200 OK\r\n" + date + "Content-Encoding: gzip\r\nContent-Length: 100\r\n\r\n" + zipped("abc")[:3], 3, ""},
		"by length, before it":  {byLength, 0, ""},
		"within a chunk":        {inChunks + "5\r\n", 0, ""},
		"between chunks":        {inChunks + "5\r\nhello\r\n", 5, ""},
		"within the last chunk": {inChunks + "5\r\nhello\r\n", 5, "0\r\n"},
		"by a malformed chunk":  {inChunks + "5\r\nhello\r\n", 5, "xyz\r\n"},
		"206, by length":        {"HTTP/1.1 206 Partial Content\r\n" + date + "Content-Range: bytes 0-25/26\r\nContent-Length: 26\r\n\r\nabc", 3, ""},
		"an error, by length":   {"HTTP/1.1 500 Internal Server Error\r\n" + date + "Content-Length: 26\r\n\r\nabc", 3, ""},
	} {
		all = append(all, exchange{
			name: "an answer breaks off: " + name, method: "GET", target: "/", answer: []string{e.answer, e.last}, steps: []int{e.bytes}, closes: true,
		})
	}
	return all
}

// refusals are no answers.
func refusals() []exchange {
	var all []exchange
	for name, answer := range map[string]string{
		"nothing":                    "",
		"a part of the head":         "HTTP/1.1 200 OK\r\nContent-Le",
		"another protocol":           "SSH-2.0-OpenSSH_9.2\r\n\r\n",
		"a field without a colon":    "HTTP/1.1 200 OK\r\nContent-Length 5\r\n\r\nhello",
		"a status that is no number": "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
	} {
		all = append(all, exchange{name: "no answer: " + name, method: "POST", target: "/", body: "x", answer: []string{answer}, closes: true})
	}
	return all
}

// slowAnswers come piece by piece, each when the client has the one before.
func slowAnswers() []exchange {
	var events, packed strings.Builder
	zip, err := gzip.NewWriterLevel(&packed, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is one
	}
	plain := exchange{name: "an event stream", method: "GET", target: "/events", answer: []string{
		"HTTP/1.1 200 OK\r\n" + date + "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"}}
	inGzip := exchange{name: "an event stream in gzip", method: "GET", target: "/events", answer: []string{
		"HTTP/1.1 200 OK\r\n" + date + "Content-Type: text/event-stream\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"}}
	for i := range 4 {
		event, before := fmt.Sprintf("data: %d\n\n", i), packed.Len()
		plain.steps, inGzip.steps = append(plain.steps, events.Len()), append(inGzip.steps, packed.Len())
		events.WriteString(event)
		_, _ = zip.Write([]byte(event)) // a buffer takes everything
		_ = zip.Flush()
		plain.answer, inGzip.answer = append(plain.answer, chunk(event)), append(inGzip.answer, chunk(packed.String()[before:]))
	}
	plain.steps, inGzip.steps = append(plain.steps, events.Len()), append(inGzip.steps, packed.Len())
	plain.answer, inGzip.answer = append(plain.answer, "0\r\n\r\n"), append(inGzip.answer, "0\r\n\r\n")
	byLength := exchange{name: "a slow body by length", method: "GET", target: "/slow", answer: []string{
		"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 3\r\n\r\n", "a", "b", "c"}, steps: []int{0, 1, 2}}
	untilClose := exchange{name: "a slow body until the connection ends", method: "GET", target: "/slow", answer: []string{
		"HTTP/1.1 200 OK\r\n" + date + "\r\n", "a", "b", "c"}, steps: []int{0, 1, 2}, closes: true}
	acceptsGzip := inGzip
	acceptsGzip.name, acceptsGzip.header = "an event stream in gzip, for who accepts that", []field{{"Accept-Encoding", "gzip"}}
	return []exchange{plain, inGzip, acceptsGzip, byLength, untilClose}
}

func large() []exchange {
	body := strings.Repeat(alphabet, 40_000)
	return []exchange{
		{name: "a large body by length", method: "GET", target: "/", answer: answer200("", body)},
		{name: "a large body in chunks", method: "GET", target: "/", answer: []string{
			"HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n" + strings.Repeat(chunk(body[:100_000]), 5) + "0\r\n\r\n"}},
		{name: "a large body until the connection ends", method: "GET", target: "/", closes: true, answer: []string{"HTTP/1.1 200 OK\r\n" + date + "\r\n" + body}},
		{name: "a large upload by length", method: "PUT", target: "/", body: body, answer: answer200("", "done"), onlyHTTP1: true},
		{name: "a large upload in chunks", method: "PUT", target: "/", body: body, chunked: true, answer: answer200("", "done"), onlyHTTP1: true},
	}
}
