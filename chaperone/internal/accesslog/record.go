package accesslog

import (
	"bytes"
	"encoding/json/jsontext"
	"strconv"
	"time"
)

// missing is what varnishncsa writes where a request does not have a value.
const missing = "-"

// appendObject appends the JSON object for a line of varnishncsa, which has one value for each field.
// Whatever the line holds, the object is valid.
func appendObject(dst, line []byte) []byte {
	dst = append(dst, '{')
	first, last := true, ""
	for _, field := range fields {
		var value []byte
		value, line, _ = bytes.Cut(line, []byte(separator))
		encoded, ok := field.kind.encode(unescape(value))
		if !ok || field.name == last {
			continue
		}
		last = field.name
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, '"')
		dst = append(dst, field.name...)
		dst = append(dst, '"', ':')
		dst = append(dst, encoded...)
	}
	return append(dst, '}')
}

// encode gives a value in JSON; it is not ok where there is no such value.
func (k kind) encode(value []byte) (encoded []byte, ok bool) {
	if len(value) == 0 || string(value) == missing {
		return nil, false
	}
	switch k {
	case number:
		return value, isNumber(value)
	case micros:
		n, err := strconv.ParseUint(string(value), 10, 63)
		return strconv.AppendFloat(nil, float64(n)/1e6, 'f', 6, 64), err == nil
	case epoch:
		seconds, err := strconv.ParseFloat(string(value), 64)
		if err != nil || seconds < 0 || seconds > maxEpoch {
			return nil, false
		}
		return time.UnixMicro(int64(seconds*1e6)).UTC().AppendFormat(nil, `"2006-01-02T15:04:05.000000Z"`), true
	}
	// The error only says that bytes which are no UTF-8 were replaced by U+FFFD.
	encoded, _ = jsontext.AppendQuote(nil, value)
	return encoded, true
}

// maxEpoch is the end of the year 9999, the last that RFC 3339 can express.
const maxEpoch = 253402300799

// isNumber says whether the value is digits, with a fraction at most: JSON's grammar (RFC 8259, section 6)
// without sign and exponent.
func isNumber(value []byte) bool {
	whole, fraction, hasFraction := bytes.Cut(value, []byte("."))
	if !isDigits(whole) || len(whole) > 1 && whole[0] == '0' {
		return false
	}
	return !hasFraction || isDigits(fraction)
}

func isDigits(value []byte) bool {
	for _, c := range value {
		if c < '0' || c > '9' {
			return false
		}
	}
	return len(value) > 0
}

// unescape undoes what varnishncsa does to bytes that are not plain ASCII: C's escapes.
func unescape(value []byte) []byte {
	start := bytes.IndexByte(value, '\\')
	if start < 0 {
		return value
	}
	plain := append([]byte(nil), value[:start]...)
	for i := start; i < len(value); {
		c, length := unescapeOne(value[i:])
		plain = append(plain, c)
		i += length
	}
	return plain
}

// unescapeOne gives the first byte that value stands for, and how many bytes of value do so. An escape
// that is cut off or unknown stands for its backslash.
func unescapeOne(value []byte) (c byte, length int) {
	if value[0] != '\\' || len(value) < 2 {
		return value[0], 1
	}
	switch value[1] {
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case '"', '\\':
		return value[1], 2
	case 'x':
		if len(value) >= 4 {
			if n, err := strconv.ParseUint(string(value[2:4]), 16, 8); err == nil {
				return byte(n), 4
			}
		}
	}
	return value[0], 1
}
