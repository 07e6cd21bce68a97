package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// pacer lets the origin write on as a client has what there is so far.
type pacer struct {
	origin *scripted
	steps  []int
}

// has says that the client has the head, and so many bytes of the body.
func (p *pacer) has(bytes int) {
	for len(p.steps) > 0 && p.steps[0] <= bytes {
		p.steps = p.steps[1:]
		p.origin.proceed <- struct{}{}
	}
}

// http1 writes the exchange's request.
func (e exchange) http1(number int) string {
	version := e.version
	if version == "" {
		version = "1.1"
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s HTTP/%s\r\nHost: a.example\r\n%s: %d\r\n", e.method, e.target, version, caseHeader, number)
	for _, f := range e.header {
		fmt.Fprintf(&b, "%s: %s\r\n", f.name, f.value)
	}
	switch {
	case e.chunked:
		half := len(e.body) / 2
		fmt.Fprintf(&b, "Transfer-Encoding: chunked\r\n\r\n%s%s0\r\n\r\n", chunk(e.body[:half]), chunk(e.body[half:]))
	case e.body != "":
		fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n%s", len(e.body), e.body)
	default:
		b.WriteString("\r\n")
	}
	return b.String()
}

func chunk(data string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(data), data) }

// askHTTP1 makes the exchange on a connection of HTTP/1.1.
func askHTTP1(conn net.Conn, o *scripted, number int) (outcome, error) {
	var out outcome
	e := o.exchanges[number]
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return out, err
	}
	if _, err := io.WriteString(conn, e.http1(number)); err != nil {
		return out, err
	}
	reader := bufio.NewReader(conn)
	for {
		response, err := http.ReadResponse(reader, &http.Request{Method: e.method})
		if isTimeout(err) {
			return out, err
		}
		if err != nil {
			return out, nil // no answer, or none that can be read
		}
		if response.StatusCode < 200 {
			out.interim = append(out.interim, response.StatusCode)
			continue
		}
		out.isAnswered, out.status, out.fields = true, response.StatusCode, lower(response.Header)
		out.reason = strings.TrimPrefix(strings.TrimPrefix(response.Status, strconv.Itoa(response.StatusCode)), " ")
		pace, body := &pacer{o, e.steps}, &strings.Builder{}
		pace.has(0)
		buffer := make([]byte, 64<<10)
		for {
			n, err := response.Body.Read(buffer)
			body.Write(buffer[:n])
			pace.has(body.Len())
			if isTimeout(err) {
				return out, err
			}
			if err != nil {
				out.isWhole = err == io.EOF
				break
			}
		}
		out.body, out.trailers = body.String(), lower(response.Trailer)
		return out, nil
	}
}

// askHTTP2 makes the exchange on a connection of HTTP/2.
func (g *gateway) askHTTP2(scheme string, o *scripted, number int) (outcome, error) {
	e := o.exchanges[number]
	m := message{fields: []field{{":method", e.method}, {":scheme", scheme}, {":authority", "a.example"}, {":path", e.target}, {strings.ToLower(caseHeader), strconv.Itoa(number)}}}
	for _, f := range e.header {
		m.fields = append(m.fields, field{strings.ToLower(f.name), f.value})
	}
	if e.body != "" {
		m.body = &e.body
		if !e.chunked {
			m.fields = append(m.fields, field{"content-length", strconv.Itoa(len(e.body))})
		}
	}
	c := g.connectHTTP2(scheme)
	defer c.conn.Close()
	pace := &pacer{o, e.steps}
	c.progress = pace.has
	c.send(m)
	s := c.receive()
	out := outcome{isAnswered: s.status != "", fields: map[string][]string{}, body: s.body, isWhole: s.end == "whole"}
	if out.isAnswered {
		var err error
		if out.status, err = strconv.Atoi(s.status); err != nil {
			return out, err
		}
	}
	for _, f := range s.fields {
		out.fields[f.name] = append(out.fields[f.name], f.value)
	}
	if s.end != "whole" && !strings.HasPrefix(s.end, "reset ") {
		return out, fmt.Errorf("the connection ended: %s", s.end)
	}
	return out, nil
}
