package varnishcli

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestReadResponse(t *testing.T) {
	tests := map[string]struct {
		wire    string
		want    Response
		problem string
	}{
		"an answer with a body":                        {wire: "200 4       \nPONG\n", want: Response{200, "PONG"}},
		"an answer without a body":                     {wire: "200 0       \n\n", want: Response{200, ""}},
		"a body with newlines in it":                   {wire: "106 3       \na\nb\n", want: Response{106, "a\nb"}},
		"nothing at all is the end":                    {wire: "", problem: io.EOF.Error()},
		"an end within the header is unexpected":       {wire: "200 ", problem: io.ErrUnexpectedEOF.Error()},
		"an end before the body is unexpected":         {wire: "200 4       \n", problem: io.ErrUnexpectedEOF.Error()},
		"an end within the body is unexpected":         {wire: "200 4       \nPO", problem: io.ErrUnexpectedEOF.Error()},
		"a header without its newline is refused":      {wire: "200 4        PONG\n", problem: "malformed header"},
		"a status that is no number is refused":        {wire: "2x0 4       \nPONG\n", problem: "malformed status"},
		"a negative length is refused":                 {wire: "200 -4      \nPONG\n", problem: "malformed length"},
		"a length that no answer has is refused":       {wire: "200 99999999\n", problem: "longer than"},
		"a body that is longer than said is refused":   {wire: "200 2       \nPONG\n", problem: "does not end in a newline"},
		"another protocol's greeting is refused":       {wire: "HTTP/1.1 400 Bad Request\r\n", problem: "malformed header"},
		"a length with a space before it is refused":   {wire: "200  4      \nPONG\n", problem: "malformed length"},
		"what follows an answer is left to the reader": {wire: "200 0       \n\n200 0       \n\n", want: Response{200, ""}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			got, err := ReadResponse(strings.NewReader(test.wire))
			if test.problem != "" {
				require.ErrorContains(t, err, test.problem)
				return
			}
			require.NoError(t, err)
			assert.Equal(t, test.want, got)
		})
	}
}

func TestEveryResponseSurvivesTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := Response{Status: rapid.IntRange(100, 999).Draw(t, "status"), Body: rapid.String().Draw(t, "body")}
		got, err := ReadResponse(bytes.NewReader(AppendResponse(nil, want)))
		require.NoError(t, err)
		assert.Equal(t, want, got)
	})
}

// The expected value was computed with sha256sum, as the varnish-cli manual shows it.
func TestAuthenticate(t *testing.T) {
	got, err := Authenticate("ixslvvxrgkjptxmcgnnsdxsvdmvfympg\n\nAuthentication required.\n", []byte("foo\n"))
	require.NoError(t, err)
	assert.Equal(t, "455ce847f0073c7ab3b1465f74507b75d3dc064c1e7de3b71e00de9092fdc89a", got)

	for _, body := range []string{"", "short\n", strings.Repeat("x", 40)} {
		_, err := Authenticate(body, nil)
		assert.Error(t, err, "body %q", body)
	}
}

func TestAppendCommand(t *testing.T) {
	tests := map[string]struct {
		words []string
		want  string
	}{
		"plain words stand as they are":     {words: []string{"vcl.load", "a", "/tmp/a.vcl"}, want: "vcl.load a /tmp/a.vcl\n"},
		"a space needs quotes":              {words: []string{"x", "a b"}, want: "x \"a b\"\n"},
		"an empty word needs quotes":        {words: []string{"x", ""}, want: "x \"\"\n"},
		"quotes and backslashes are marked": {words: []string{`a"b\c`}, want: `"a\"b\\c"` + "\n"},
		"a newline cannot end the command":  {words: []string{"a\nstop"}, want: `"a\nstop"` + "\n"},
		"a hash cannot begin a comment":     {words: []string{"#a"}, want: "\"#a\"\n"},
		"other bytes go as hexadecimal":     {words: []string{"a\x00é"}, want: `"a\x00\xc3\xa9"` + "\n"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, test.want, string(AppendCommand(nil, test.words...)))
		})
	}
}

func FuzzReadResponse(f *testing.F) {
	for _, seed := range []string{"200 4       \nPONG\n", "107 59      \n", "200 -1      \n", "\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, wire []byte) {
		response, err := ReadResponse(bytes.NewReader(wire))
		if err != nil {
			return
		}
		again, err := ReadResponse(bytes.NewReader(AppendResponse(nil, response)))
		require.NoError(t, err)
		require.Equal(t, response, again)
	})
}

func FuzzAppendCommand(f *testing.F) {
	f.Add("a b", `"\`)
	f.Fuzz(func(t *testing.T, first, second string) {
		line := AppendCommand(nil, first, second)
		require.Equal(t, 1, bytes.Count(line, []byte("\n")), "a command is one line")
		require.Equal(t, []string{first, second}, splitWords(t, string(line)))
	})
}

// splitWords reads a command line as varnishd's VAV_Parse does.
func splitWords(t *testing.T, line string) []string {
	var words []string
	for line = strings.TrimLeft(line, " \n"); line != ""; line = strings.TrimLeft(line, " \n") {
		var word string
		if line[0] == '"' {
			word, line = splitQuoted(t, line[1:])
		} else {
			end := strings.IndexAny(line, " \n")
			word, line = line[:end], line[end:]
		}
		words = append(words, word)
	}
	return words
}

func splitQuoted(t *testing.T, line string) (word, rest string) {
	escapes := map[byte]byte{'n': '\n', 'r': '\r', 't': '\t', '"': '"', '\\': '\\'}
	var out []byte
	for i := 0; i < len(line); i++ {
		switch {
		case line[i] == '"':
			return string(out), line[i+1:]
		case line[i] == '\\' && line[i+1] == 'x':
			out = append(out, unhex(line[i+2])<<4|unhex(line[i+3]))
			i += 3
		case line[i] == '\\':
			c, known := escapes[line[i+1]]
			require.True(t, known, "escape %q", line[i:i+2])
			out = append(out, c)
			i++
		default:
			out = append(out, line[i])
		}
	}
	t.Fatalf("quotes do not end in %q", line)
	return "", ""
}

func unhex(c byte) byte {
	if c >= 'a' {
		return c - 'a' + 10
	}
	return c - '0'
}
