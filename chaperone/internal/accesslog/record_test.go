package accesslog

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// lineOf makes a line of varnishncsa from values by name.
func lineOf(values map[string]string) []byte {
	line := make([]string, len(fields))
	for i, field := range fields {
		line[i] = missing
		if value, ok := values[field.name]; ok {
			line[i] = value
		}
	}
	return []byte(strings.Join(line, separator))
}

func TestAppendObject(t *testing.T) {
	tests := map[string]struct {
		values map[string]string
		want   string
	}{
		"a request": {
			map[string]string{
				"time": "1795346039.250000", "method": "GET", "host": "www.example.com", "url": "/a?b=c", "protocol": "HTTP/2.0",
				"status": "200", "bytes": "228", "duration": "2563", "ttfb": "0.002500", "client": "192.0.2.7",
				"x_forwarded_for": "192.0.2.7", "listener": "https-443", "route": "shop/cart", "handling": "pass",
				"user_agent": "curl/8", "referer": "https://example.com/",
			},
			`{"time":"2026-11-22T11:13:59.250000Z","method":"GET","host":"www.example.com","url":"/a?b=c","protocol":"HTTP/2.0",` +
				`"status":200,"bytes":228,"duration":0.002563,"ttfb":0.002500,"client":"192.0.2.7","x_forwarded_for":"192.0.2.7",` +
				`"listener":"https-443","route":"shop/cart","handling":"pass","user_agent":"curl/8","referer":"https://example.com/"}`,
		},
		"what a request does not have is left out": {map[string]string{"status": "400", "bytes": "0"}, `{"status":400,"bytes":0}`},
		"nothing at all":                              {nil, `{}`},
		"an empty value is left out":                  {map[string]string{"host": ""}, `{}`},
		"quotes and backslashes":                      {map[string]string{"url": `/\"a\\b`}, `{"url":"/\"a\\b"}`},
		"control characters":                          {map[string]string{"user_agent": `a\tb\nc\x01d\x1f`}, `{"user_agent":"a\tb\nc\u0001d\u001f"}`},
		"UTF-8":                                       {map[string]string{"user_agent": `caf\xc3\xa9`}, `{"user_agent":"café"}`},
		"UTF-8 that was cut off":                      {map[string]string{"user_agent": `caf\xc3`}, `{"user_agent":"caf` + "\uFFFD" + `"}`},
		"bytes that are no UTF-8":                     {map[string]string{"referer": `\xff\xfe`}, `{"referer":"` + "\uFFFD\uFFFD" + `"}`},
		"bytes that are no UTF-8, unescaped":          {map[string]string{"referer": "\xff"}, `{"referer":"` + "\uFFFD" + `"}`},
		"an escape that is cut off":                   {map[string]string{"referer": `\x4`}, `{"referer":"\\x4"}`},
		"an escape that is none":                      {map[string]string{"referer": `\q\`}, `{"referer":"\\q\\"}`},
		"a number that is none is left out":           {map[string]string{"status": "0x10", "bytes": "1e9", "ttfb": ".5", "duration": "-1"}, `{}`},
		"a number with a leading zero is left out":    {map[string]string{"status": "007"}, `{}`},
		"a time that RFC 3339 cannot say is left out": {map[string]string{"time": "99999999999999"}, `{}`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got := appendObject(nil, lineOf(test.values))
			assert.Equal(t, test.want, string(got))
			assert.True(t, json.Valid(got))
		})
	}
}

func TestAppendObjectKeepsWhatWasThere(t *testing.T) {
	got := appendObject([]byte("before "), lineOf(map[string]string{"status": "200"}))
	assert.Equal(t, `before {"status":200}`, string(got))
}

func FuzzAppendObject(f *testing.F) {
	f.Add([]byte("1795346039.25" + separator + "GET" + separator + `h\"` + separator + "/" + separator + "HTTP/1.1" + separator + "200"))
	f.Add([]byte(strings.Repeat(separator, 40)))
	f.Add([]byte(`NaN`))
	f.Fuzz(func(t *testing.T, line []byte) {
		object := appendObject(nil, line)
		var decoded map[string]any
		require.NoError(t, json.Unmarshal(object, &decoded), "%s", object)
		require.NotContains(t, string(object), "\n")
	})
}
