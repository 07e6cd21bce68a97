// Package mainvcl is the codec of the header of main.vcl, which the operator writes and chaperone reads: its version
// and sequence, and which lines a user wrote.
//
//	// varnish-gateway main.vcl 1.3 sequence 7
//	// varnish-gateway passes Direct
//	// varnish-gateway part 40 12 FailClosed ConfigMap infra/cache, key main.vcl
//
// See docs/reference/vcl-contract.md.
package mainvcl

import (
	"bytes"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/varnish-gateway/gateway/shared/contract"
)

// File is the name of the contract, and of its key in the Gateway's ConfigMap.
const File = "main.vcl"

// Version of the VCL contract that this build writes and reads.
const Version = "1.3"

// own is Version as numbers; a test keeps the two equal.
var own = contract.Version{Major: 1, Minor: 3}

const (
	// mark begins every line of the header.
	mark  = "// varnish-gateway "
	intro = mark + "main.vcl "
	link  = " sequence "
	// maxHeader bounds the search for the end of the line.
	maxHeader = 128
)

// Header is what the first lines say.
type Header struct {
	// Version is the VCL contract's, as "major.minor".
	Version string
	// Sequence grows by one whenever the rest of the file changes.
	Sequence int64
	// Parts are the lines that a user wrote, in the order of the file.
	Parts []Part
	// PassDoor says how requests that are not cached reach their backends.
	PassDoor PassDoor
}

// NamesParts says whether the version is one that lists what users wrote. In main.vcl of an older one, of which it is
// false, anything may be a user's.
func (h Header) NamesParts() bool {
	version, err := contract.ParseMajorMinor(h.Version)
	return err == nil && (version.Major > firstWithParts.Major || version.Minor >= firstWithParts.Minor)
}

// firstWithParts is the first version whose header lists what users wrote.
var firstWithParts = contract.Version{Major: 1, Minor: 1}

// String gives the first line, without its end.
func (h Header) String() string {
	return fmt.Sprintf("%s%s%s%d", intro, h.Version, link, h.Sequence)
}

// Parse reads the header of main.vcl, and gives what follows its first line. It returns a *contract.SyntaxError where the
// header cannot be read, and a *contract.MajorError where it has another major version; then main.vcl must not be loaded,
// since it may call what this build's VMOD does not have.
func Parse(data []byte) (header Header, body []byte, err error) {
	header, version, body, err := split(data)
	if err != nil {
		return Header{}, nil, &contract.SyntaxError{File: File, Err: err}
	}
	if !own.Reads(version) {
		return Header{}, nil, &contract.MajorError{File: File, Found: version, Reader: own}
	}
	if header.Parts, err = parseParts(data); err != nil {
		return Header{}, nil, &contract.SyntaxError{File: File, Err: err}
	}
	header.PassDoor = parsePassDoor(data)
	return header, body, nil
}

func split(data []byte) (header Header, version contract.Version, body []byte, err error) {
	end := bytes.IndexByte(data[:min(len(data), maxHeader)], '\n')
	if end < 0 {
		return header, version, nil, errors.New("the first line is not a header")
	}
	rest, ok := strings.CutPrefix(string(data[:end]), intro)
	if !ok {
		return header, version, nil, fmt.Errorf("the first line does not begin with %q", intro)
	}
	versionText, sequenceText, ok := strings.Cut(rest, link)
	if !ok {
		return header, version, nil, errors.New("the first line has no sequence")
	}
	version, err = contract.ParseMajorMinor(versionText)
	if err != nil {
		return header, version, nil, err
	}
	sequence, err := strconv.ParseUint(sequenceText, 10, 63)
	if err != nil || strconv.FormatUint(sequence, 10) != sequenceText {
		return header, version, nil, fmt.Errorf("the sequence %q is not a number", sequenceText)
	}
	return Header{Version: versionText, Sequence: int64(sequence)}, version, data[end+1:], nil
}

// anySequence finds the number in a first line that is otherwise broken or of another version: readers would
// take a sequence that starts again for an older state.
var anySequence = regexp.MustCompile(`^// varnish-gateway [^\n]*sequence ([0-9]{1,18})\b`)

// Stamp puts a header on body. If live, the published main.vcl, says exactly that already, it is given back
// unchanged; otherwise the sequence continues from its own, whatever its version, or begins at 1.
func Stamp(live, body []byte) (data []byte, changed bool) {
	sequence := liveSequence(live)
	if same := stamp(sequence, body); sequence > 0 && bytes.Equal(same, live) {
		return same, false
	}
	return stamp(sequence+1, body), true
}

func liveSequence(live []byte) int64 {
	found := anySequence.FindSubmatch(live)
	if found == nil {
		return 0
	}
	// Eighteen digits always fit.
	sequence, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		return 0
	}
	return sequence
}

func stamp(sequence int64, body []byte) []byte {
	header := Header{Version: Version, Sequence: sequence}
	return append([]byte(header.String()+"\n"), body...)
}
