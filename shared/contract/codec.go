package contract

import (
	"encoding/json/v2"
	"errors"
)

// Encode writes a value as canonical JSON: members in the order of the Go fields, no white space, absent
// lists as [], so that the same value always gives the same bytes. It fails only on text that is not UTF-8.
func Encode(value any) ([]byte, error) {
	return json.Marshal(value, json.Deterministic(true))
}

// errTooLong ends an encoding whose length is all that is asked for.
var errTooLong = errors.New("more bytes than the limit")

// bounded takes as many bytes as are left.
type bounded struct{ left int }

func (b *bounded) Write(data []byte) (int, error) {
	b.left -= len(data)
	if b.left < 0 {
		return 0, errTooLong
	}
	return len(data), nil
}

// EncodesWithin says whether Encode would give at most limit bytes, without encoding more than that.
func EncodesWithin(value any, limit int) (bool, error) {
	err := json.MarshalWrite(&bounded{left: limit}, value, json.Deterministic(true))
	if errors.Is(err, errTooLong) {
		return false, nil
	}
	return err == nil, err
}

// EncodedLength is how many bytes Encode would give.
func EncodedLength(value any) (int, error) {
	var length counted
	err := json.MarshalWrite(&length, value, json.Deterministic(true))
	return int(length), err
}

// counted is how many bytes were written.
type counted int

func (c *counted) Write(data []byte) (int, error) {
	*c += counted(len(data))
	return len(data), nil
}

// Codec reads one kind of file.
type Codec struct {
	// File is the contract's name, such as "routing.json".
	File string
	// Version is the one that this reader knows.
	Version Version
}

// Decode reads data into target, of which version is the member "version". Unknown members are ignored. Member
// names are case-sensitive; a repeated name, text that is not UTF-8 and trailing bytes are errors. It returns a
// *SyntaxError or a *MajorError.
func (c Codec) Decode(data []byte, target any, version *string) error {
	return c.decode(data, target, version)
}

// DecodeStrict is Decode, except that an unknown member is a *SyntaxError. It is for writers that check their
// own output: a reader that used it would not survive the next minor version.
func (c Codec) DecodeStrict(data []byte, target any, version *string) error {
	return c.decode(data, target, version, json.RejectUnknownMembers(true))
}

func (c Codec) decode(data []byte, target any, version *string, options ...json.Options) error {
	if err := json.Unmarshal(data, target, options...); err != nil {
		return c.refuse(data, err)
	}
	return c.checkVersion(*version)
}

// refuse explains why data does not fit the types: of another major that is no wonder, and its number says more
// than the parser's error.
func (c Codec) refuse(data []byte, parseError error) error {
	var head struct {
		Version string `json:"version"`
	}
	var major *MajorError
	if json.Unmarshal(data, &head) == nil && errors.As(c.checkVersion(head.Version), &major) {
		return major
	}
	return &SyntaxError{File: c.File, Err: parseError}
}

func (c Codec) checkVersion(text string) error {
	found, err := ParseVersion(text)
	if err != nil {
		return &SyntaxError{File: c.File, Err: err}
	}
	if !c.Version.Reads(found) {
		return &MajorError{File: c.File, Found: found, Reader: c.Version}
	}
	return nil
}
