package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
)

const (
	alphabet = "abcdefghijklmnopqrstuvwxyz"
	longAgo  = "Wed, 21 Oct 2020 07:28:00 GMT"
	date     = "Date: Tue, 03 Nov 2026 10:00:00 GMT\r\n"
)

// exchanges are all that the gateway is compared by.
func exchanges() []exchange {
	var all []exchange
	for _, some := range [][]exchange{
		methods(), framings(), statusCodes(), conditions(), ranges(), encodings(), answerFields(), requestFields(), targets(), interims(),
		truncations(), refusals(), slowAnswers(), large(),
	} {
		all = append(all, some...)
	}
	return all
}

// answer is one by length, with lines of fields.
func answer200(fields, body string) []string { return answerOf("200 OK", fields, body) }

func answerOf(status, fields, body string) []string {
	return []string{fmt.Sprintf("HTTP/1.1 %s\r\n%s%sContent-Length: %d\r\n\r\n%s", status, date, fields, len(body), body)}
}

// toHead is the answer to HEAD that belongs to one to GET.
func toHead(answer []string) []string {
	head, _, _ := strings.Cut(answer[0], "\r\n\r\n")
	return []string{head + "\r\n\r\n"}
}

func methods() []exchange {
	var all []exchange
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "REPORT", "PROPFIND"} {
		for _, body := range []string{"", "a body"} {
			for _, chunked := range []bool{false, true} {
				if body == "" && chunked {
					continue
				}
				all = append(all, exchange{
					name: fmt.Sprintf("%s with body %q, chunked %t", method, body, chunked), method: method, target: "/methods?a=b",
					body: body, chunked: chunked, answer: answer200("X-A: b\r\n", "done"),
				})
			}
		}
	}
	return append(all, exchange{
		name: "POST with a body of no bytes", method: "POST", target: "/", header: []field{{"Content-Length", "0"}}, answer: answer200("", "done"),
	}, exchange{
		name: "a request of HTTP/1.0", method: "GET", target: "/", version: "1.0", onlyHTTP1: true, answer: answer200("X-A: b\r\n", "done"),
	}, exchange{
		name: "a request of HTTP/1.0, answered chunked", method: "GET", target: "/", version: "1.0", onlyHTTP1: true,
		answer: []string{"HTTP/1.1 200 OK\r\n" + date + "Content-Length: 4\r\n\r\ndone"}, closes: true,
	})
}

func framings() []exchange {
	var all []exchange
	for name, answer := range map[string]string{
		"by length":                      "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 5\r\n\r\nhello",
		"of no bytes":                    "HTTP/1.1 200 OK\r\n" + date + "Content-Length: 0\r\n\r\n",
		"chunked":                        "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
		"chunked, no bytes":              "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
		"chunked with extensions":        "HTTP/1.1 200 OK\r\n" + date + "Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n0;c\r\n\r\n",
		"chunked with trailers":          "HTTP/1.1 200 OK\r\n" + date + "Trailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
		"until the connection ends":      "HTTP/1.1 200 OK\r\n" + date + "\r\nhello",
		"of HTTP/1.0":                    "HTTP/1.0 200 OK\r\n" + date + "\r\nhello",
		"of HTTP/1.0, by length":         "HTTP/1.0 200 OK\r\n" + date + "Content-Length: 5\r\n\r\nhello",
		"by length, connection ends":     "HTTP/1.1 200 OK\r\n" + date + "Connection: close\r\nContent-Length: 5\r\n\r\nhello",
		"that keeps the connection":      "HTTP/1.1 200 OK\r\n" + date + "Connection: keep-alive\r\nKeep-Alive: timeout=5\r\nContent-Length: 5\r\n\r\nhello",
		"with a field of its connection": "HTTP/1.1 200 OK\r\n" + date + "Connection: X-Hop\r\nX-Hop: a\r\nX-End: b\r\nContent-Length: 5\r\n\r\nhello",
		"with another phrase":            "HTTP/1.1 200 Fine By Me\r\n" + date + "Content-Length: 5\r\n\r\nhello",
		"with no phrase":                 "HTTP/1.1 200 \r\n" + date + "Content-Length: 5\r\n\r\nhello",
		"without Date":                   "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
	} {
		closes := !strings.Contains(answer, "Content-Length") && !strings.Contains(answer, "chunked") || strings.Contains(answer, "HTTP/1.0")
		all = append(all, exchange{name: "an answer " + name, method: "GET", target: "/", answer: []string{answer}, closes: closes})
		all = append(all, exchange{name: "HEAD, for an answer " + name, method: "HEAD", target: "/", answer: toHead([]string{answer}), closes: closes})
	}
	return all
}

func statusCodes() []exchange {
	var all []exchange
	for _, status := range []int{
		200, 201, 202, 203, 206, 207, 226, 299, 300, 301, 302, 303, 307, 308, 400, 401, 402, 403, 404, 405, 406, 407, 408, 409, 410, 411, 412,
		413, 414, 415, 416, 417, 418, 421, 422, 423, 424, 425, 426, 428, 429, 431, 451, 499, 500, 501, 502, 503, 504, 505, 507, 508, 511, 599,
		600, 999,
	} {
		fields := "Location: /there?a=b\r\nRetry-After: 7\r\nAllow: GET, HEAD\r\nWWW-Authenticate: Basic realm=\"a\"\r\n" +
			"Proxy-Authenticate: Basic realm=\"b\"\r\nUpgrade: TLS/1.3\r\nETag: \"v1\"\r\nCache-Control: max-age=60\r\n"
		phrase := http.StatusText(status)
		if phrase == "" {
			phrase = "Other"
		}
		all = append(all, exchange{
			name: fmt.Sprintf("status %d", status), method: "GET", target: "/",
			answer: answerOf(fmt.Sprintf("%d %s", status, phrase), fields, "words"),
		})
	}
	for _, status := range []string{"204 No Content", "304 Not Modified"} {
		head := "HTTP/1.1 " + status + "\r\n" + date + "ETag: \"v1\"\r\nContent-Location: /there\r\nExpires: " + longAgo + "\r\n\r\n"
		for _, method := range []string{"GET", "HEAD", "PUT"} {
			all = append(all, exchange{name: method + ", status " + status, method: method, target: "/", answer: []string{head}})
		}
	}
	return append(all, exchange{
		name: "status 205", method: "POST", target: "/", answer: []string{"HTTP/1.1 205 Reset Content\r\n" + date + "Content-Length: 0\r\n\r\n"},
	}, exchange{
		name: "status 304 with a length", method: "GET", target: "/", header: []field{{"If-None-Match", `"v1"`}},
		answer: []string{"HTTP/1.1 304 Not Modified\r\n" + date + "ETag: \"v1\"\r\nContent-Length: 26\r\n\r\n"},
	})
}

func conditions() []exchange {
	var all []exchange
	whole := answer200("ETag: \"v1\"\r\nLast-Modified: "+longAgo+"\r\n", "result")
	weak := answer200("ETag: W/\"v1\"\r\n", "result")
	failed := answerOf("412 Precondition Failed", "ETag: \"v2\"\r\n", "no")
	for _, condition := range []field{
		{"If-None-Match", `"v1"`}, {"If-None-Match", `W/"v1"`}, {"If-None-Match", "*"}, {"If-None-Match", `"v0", "v1"`}, {"If-Match", `"v1"`},
		{"If-Modified-Since", longAgo}, {"If-Modified-Since", "never"}, {"If-Unmodified-Since", longAgo}, {"If-Range", `"v1"`},
	} {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "DELETE"} {
			e := exchange{
				name: fmt.Sprintf("%s with %s: %s, and 200", method, condition.name, condition.value), method: method, target: "/",
				header: []field{condition}, answer: whole,
			}
			if method == "HEAD" {
				e.answer = toHead(whole)
			}
			all = append(all, e)
		}
		all = append(all, exchange{
			name: fmt.Sprintf("GET with %s: %s, and a weak ETag", condition.name, condition.value), method: "GET", target: "/",
			header: []field{condition}, answer: weak,
		}, exchange{
			name: fmt.Sprintf("PUT with %s: %s, and 412", condition.name, condition.value), method: "PUT", target: "/",
			header: []field{condition}, body: "new", answer: failed,
		})
	}
	return all
}

func ranges() []exchange {
	multipart := "--X\r\nContent-Range: bytes 0-1/26\r\n\r\nab\r\n--X\r\nContent-Range: bytes 4-5/26\r\n\r\nef\r\n--X--\r\n"
	answers := map[string][]string{
		"200":                   answer200("ETag: \"v1\"\r\n", alphabet),
		"200 that takes none":   answer200("Accept-Ranges: none\r\n", alphabet),
		"200 that takes some":   answer200("Accept-Ranges: bytes\r\n", alphabet),
		"206":                   answerOf("206 Partial Content", "Content-Range: bytes 0-4/26\r\n", alphabet[:5]),
		"206 of unknown length": answerOf("206 Partial Content", "Content-Range: bytes 0-4/*\r\n", alphabet[:5]),
		"206 of another unit":   answerOf("206 Partial Content", "Content-Range: items 0-4/26\r\n", alphabet[:5]),
		"206 of another range":  answerOf("206 Partial Content", "Content-Range: bytes 7-8/26\r\n", alphabet[7:9]),
		"206 of a strange form": answerOf("206 Partial Content", "Content-Range: bytes\r\n", alphabet[:5]),
		"206 of several":        answerOf("206 Partial Content", "Content-Type: multipart/byteranges; boundary=X\r\n", multipart),
		"416":                   answerOf("416 Range Not Satisfiable", "Content-Range: bytes */26\r\n", "beyond"),
	}
	var all []exchange
	for name, answer := range answers {
		for _, asked := range []string{"bytes=0-4", "bytes=0-1,4-5", "items=0-4", "bytes=9-4", "bytes=-5", "nonsense"} {
			all = append(all, exchange{
				name: fmt.Sprintf("Range: %s, and %s", asked, name), method: "GET", target: "/", header: []field{{"Range", asked}}, answer: answer,
			})
		}
		all = append(all, exchange{
			name: "HEAD with a range, and " + name, method: "HEAD", target: "/", header: []field{{"Range", "bytes=0-4"}}, answer: toHead(answer),
		}, exchange{
			name: "POST with a range, and " + name, method: "POST", target: "/", header: []field{{"Range", "bytes=0-4"}}, body: "x", answer: answer,
		})
	}
	return all
}

func zipped(texts ...string) string {
	var b bytes.Buffer
	for _, text := range texts {
		w := gzip.NewWriter(&b)
		_, _ = w.Write([]byte(text)) // a buffer takes everything
		_ = w.Close()
	}
	return b.String()
}

func encodings() []exchange {
	bodies := map[string]struct{ encoding, body string }{
		"gzip":                {"gzip", zipped("hello")},
		"gzip of two members": {"gzip", zipped("hello ", "world")},
		"what is no gzip":     {"gzip", "junk"},
		"a part of gzip":      {"gzip", zipped("hello")[:12]},
		"nothing in gzip":     {"gzip", ""},
		"br":                  {"br", "\x0b\x02\x80hello\x03"},
		"identity":            {"identity", "hello"},
		"two encodings":       {"br, gzip", zipped("hello")},
		"GZip":                {"GZip", zipped("hello")},
	}
	var all []exchange
	for name, b := range bodies {
		answer := answer200("Content-Encoding: "+b.encoding+"\r\nETag: \"s\"\r\nVary: Cookie\r\n", b.body)
		for _, accepted := range []string{"", "gzip", "gzip;q=0", "identity", "br, *;q=0.1"} {
			e := exchange{name: fmt.Sprintf("%s for who accepts %q", name, accepted), method: "GET", target: "/", answer: answer}
			if accepted != "" {
				e.header = []field{{"Accept-Encoding", accepted}}
			}
			all = append(all, e)
		}
		all = append(all, exchange{name: "HEAD, for " + name, method: "HEAD", target: "/", answer: toHead(answer)})
		all = append(all, exchange{
			name: name + ", chunked", method: "GET", target: "/",
			answer: []string{"HTTP/1.1 200 OK\r\n" + date + "Content-Encoding: " + b.encoding + "\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks(b.body)},
		})
	}
	return all
}

func chunks(body string) string {
	if body == "" {
		return "0\r\n\r\n"
	}
	return chunk(body) + "0\r\n\r\n"
}
