// Package accesslog writes a line for each request: it runs varnishncsa beside varnishd, starts it again
// when it ends, and gives its lines their final form.
//
// varnishncsa's own JSON mode (-j) is not used: it leaves out requests that varnishd refuses as malformed,
// which are those one looks for, and passes on bytes that are no UTF-8.
package accesslog

import (
	"fmt"
	"strings"
)

// Format of the lines.
type Format string

// Formats of the access log.
const (
	// Off writes nothing.
	Off Format = "off"
	// Common is NCSA's combined format, and the host behind it.
	Common Format = "common"
	// JSON is one object a line; see Fields.
	JSON Format = "json"
)

// ParseFormat reads the value of the flag --access-log.
func ParseFormat(text string) (Format, error) {
	switch format := Format(text); format {
	case Off, Common, JSON:
		return format, nil
	}
	return "", fmt.Errorf("access log format %q is none of off, common, json", text)
}

// kind says how a value stands in the JSON object.
type kind int

const (
	text kind = iota
	number
	// micros is a number of microseconds, to be written in seconds.
	micros
	// epoch is a number of seconds since 1970, to be written as RFC 3339 says.
	epoch
)

// field is one value of a line.
type field struct {
	name string
	// source is the value in varnishncsa's format language.
	source string
	kind   kind
}

// fields of a JSON line, in their order. A value that a request does not have is left out.
// Of two of one name, the first that a request has counts.
//
// What ghost has decided is read from ghost's own log records: the first of a name counts, and ghost
// writes before user VCL does. The headers X-Gateway-* would not do, for varnishncsa sees what the client
// sent under these names before ghost removed it.
var fields = []field{
	{"time", "%{VSL:Timestamp:Start[1]}x", epoch},
	{"method", "%m", text},
	{"host", "%{Host}i", text},
	{"url", "%U%q", text},
	{"protocol", "%H", text},
	{"status", "%s", number},
	{"bytes", "%b", number},
	{"duration", "%D", micros},
	{"ttfb", "%{Varnish:time_firstbyte}x", number},
	{"client", "%h", text},
	{"x_forwarded_for", "%{X-Forwarded-For}i", text},
	{"listener", "%{VCL_Log:ghost_listener}x", text},
	{"route", "%{VCL_Log:ghost_route}x", text},
	// What ghost passes on directly, Varnish takes for an answer of VCL's.
	{"handling", "%{VCL_Log:ghost_handling}x", text},
	{"handling", "%{Varnish:handling}x", text},
	{"user_agent", "%{User-Agent}i", text},
	{"referer", "%{Referer}i", text},
}

// separator stands between the values of a line. varnishncsa escapes it within values.
const separator = "\x1f"

// ncsaFormat is what varnishncsa is told to write.
func (f Format) ncsaFormat() string {
	if f == Common {
		// What a client says stands in quotes, where varnishncsa escapes quotes: no value can pass for two columns. The name of a
		// user (%u) cannot be put in them without leaving the format, so it is left out.
		return `%h - - %t "%m %U%q %H" %s %b "%{Referer}i" "%{User-Agent}i" "%{Host}i"`
	}
	sources := make([]string, len(fields))
	for i, field := range fields {
		sources[i] = field.source
	}
	return strings.Join(sources, separator)
}
