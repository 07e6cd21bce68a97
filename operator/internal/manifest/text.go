package manifest

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"unicode/utf16"
	"unicode/utf8"
)

// byteOrderMark is U+FEFF in UTF-8.
var byteOrderMark = []byte("\uFEFF")

// decodeText makes UTF-8 with line feeds of what a file holds. Its encoding is told by its first
// bytes (YAML 1.2, section 5.2), and each kind of line break counts as one (section 5.4). What
// cannot be read for certain is an error.
func decodeText(data []byte) ([]byte, error) {
	has := func(prefix ...byte) bool { return bytes.HasPrefix(data, prefix) }
	zero := func(i int) bool { return i < len(data) && data[i] == 0 }
	var err error
	switch {
	case has(0, 0, 0xFE, 0xFF), has(0xFF, 0xFE, 0, 0), zero(0) && zero(1), zero(1) && zero(2):
		return nil, errors.New("text in UTF-32 is not read; save it as UTF-8")
	case has(0xFE, 0xFF), zero(0):
		data, err = decodeUTF16(data, binary.BigEndian)
	case has(0xFF, 0xFE), zero(1):
		data, err = decodeUTF16(data, binary.LittleEndian)
	default:
		err = checkUTF8(data)
	}
	if err != nil {
		return nil, err
	}
	data = bytes.TrimPrefix(data, byteOrderMark)
	if bytes.IndexByte(data, '\r') >= 0 {
		data = bytes.ReplaceAll(data, []byte("\r\n"), []byte("\n"))
		data = bytes.ReplaceAll(data, []byte("\r"), []byte("\n"))
	}
	return data, nil
}

func decodeUTF16(data []byte, order binary.ByteOrder) ([]byte, error) {
	if len(data)%2 != 0 {
		return nil, errors.New("text in UTF-16 has an odd number of bytes")
	}
	units := make([]uint16, len(data)/2)
	for i := range units {
		units[i] = order.Uint16(data[2*i:])
	}
	runes := utf16.Decode(units)
	if !slices.Equal(utf16.Encode(runes), units) {
		return nil, errors.New("text in UTF-16 has half of a surrogate pair")
	}
	return []byte(string(runes)), nil
}

func checkUTF8(data []byte) error {
	if utf8.Valid(data) {
		return nil
	}
	at := 0
	for {
		r, size := utf8.DecodeRune(data[at:])
		if r == utf8.RuneError && size == 1 {
			line := 1 + bytes.Count(data[:at], []byte("\n"))
			return fmt.Errorf("not text in UTF-8: byte 0x%02X in line %d", data[at], line)
		}
		at += size
	}
}
