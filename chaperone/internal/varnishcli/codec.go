// Package varnishcli speaks varnishd's command line protocol (varnish-cli(7)): this file is the codec
// over bytes, client.go the connection, commands.go the commands that chaperone needs.
package varnishcli

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Statuses of varnishd's answers (vcli.h).
const (
	StatusUnknown = 101
	StatusParam   = 106
	StatusAuth    = 107
	StatusOK      = 200
	StatusCant    = 300
	StatusComms   = 400
)

const (
	// headerLength is fixed: three digits, a space, the length padded to eight, a newline.
	headerLength = 13
	// minStatus is the least of three digits.
	minStatus = 100
	// maxBody is far above any answer of varnishd; what claims to be longer is not varnishd.
	maxBody = 16 << 20
	// challengeLength is the length of the line that begins an authentication request.
	challengeLength = 32
)

// Response is one answer.
type Response struct {
	Status int
	Body   string
}

// ReadResponse reads one answer. It returns io.EOF where the connection ends between two answers, and
// io.ErrUnexpectedEOF where it ends within one.
func ReadResponse(r io.Reader) (Response, error) {
	header := make([]byte, headerLength)
	if _, err := io.ReadFull(r, header); err != nil {
		return Response{}, err
	}
	status, length, err := parseHeader(header)
	if err != nil {
		return Response{}, err
	}
	body := make([]byte, length+1)
	if _, err := io.ReadFull(r, body); err != nil {
		if err == io.EOF {
			err = io.ErrUnexpectedEOF
		}
		return Response{}, err
	}
	if body[length] != '\n' {
		return Response{}, fmt.Errorf("answer of %d bytes does not end in a newline", length)
	}
	return Response{Status: status, Body: string(body[:length])}, nil
}

func parseHeader(header []byte) (status, length int, err error) {
	if header[3] != ' ' || header[headerLength-1] != '\n' {
		return 0, 0, fmt.Errorf("malformed header %q", header)
	}
	if status, err = number(string(header[:3])); err != nil || status < minStatus {
		return 0, 0, fmt.Errorf("malformed status in header %q", header)
	}
	if length, err = number(strings.TrimRight(string(header[4:headerLength-1]), " ")); err != nil {
		return 0, 0, fmt.Errorf("malformed length in header %q", header)
	}
	if length > maxBody {
		return 0, 0, fmt.Errorf("answer of %d bytes is longer than %d", length, maxBody)
	}
	return status, length, nil
}

// number reads decimal digits only: no sign, no space.
func number(text string) (int, error) {
	value, err := strconv.ParseUint(text, 10, 31)
	return int(value), err
}

// AppendResponse writes an answer as varnishd would.
func AppendResponse(to []byte, response Response) []byte {
	to = fmt.Appendf(to, "%-3d %-8d\n", response.Status, len(response.Body))
	to = append(to, response.Body...)
	return append(to, '\n')
}

// Authenticate answers the body of a StatusAuth response: it gives the argument of the command "auth".
// The secret is used as it stands in its file.
func Authenticate(body string, secret []byte) (string, error) {
	if len(body) < challengeLength+1 || body[challengeLength] != '\n' {
		return "", fmt.Errorf("authentication request does not begin with a challenge of %d bytes", challengeLength)
	}
	challenge := body[:challengeLength+1]
	digest := sha256.New()
	io.WriteString(digest, challenge)
	digest.Write(secret)
	io.WriteString(digest, challenge)
	return hex.EncodeToString(digest.Sum(nil)), nil
}

// AppendCommand writes a command line of the given words, quoted where that is needed.
func AppendCommand(to []byte, words ...string) []byte {
	for i, word := range words {
		if i > 0 {
			to = append(to, ' ')
		}
		to = appendWord(to, word)
	}
	return append(to, '\n')
}

// appendWord quotes by the rules of VAV_Parse: in double quotes, backslash escapes.
func appendWord(to []byte, word string) []byte {
	if word != "" && strings.IndexFunc(word, isSpecial) < 0 {
		return append(to, word...)
	}
	to = append(to, '"')
	for i := range len(word) {
		switch c := word[i]; {
		case c == '"' || c == '\\':
			to = append(to, '\\', c)
		case c == '\n':
			to = append(to, '\\', 'n')
		case c == '\r':
			to = append(to, '\\', 'r')
		case c == '\t':
			to = append(to, '\\', 't')
		case c < ' ' || c >= 0x7f:
			to = fmt.Appendf(to, `\x%02x`, c)
		default:
			to = append(to, c)
		}
	}
	return append(to, '"')
}

// isSpecial says whether a word with this character needs quotes. "#" begins a comment.
func isSpecial(c rune) bool {
	return c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '#'
}
