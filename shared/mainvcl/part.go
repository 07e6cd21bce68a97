package mainvcl

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
)

// FailureMode says what becomes of requests in a pod where VCL has never compiled.
type FailureMode string

// The failure modes.
const (
	// FailClosed means that every request is answered 503.
	FailClosed FailureMode = "FailClosed"
	// FailOpen means that requests are served without this VCL.
	FailOpen FailureMode = "FailOpen"
)

// Part is VCL that a user wrote, as it stands in main.vcl.
type Part struct {
	// First is its first line, counted from 1 at the beginning of main.vcl; Lines is how many it has.
	First, Lines int
	// FailureMode is FailClosed where the header says something else than FailOpen.
	FailureMode FailureMode
	// Source says where the user wrote it, in words: "ConfigMap infra/cache, key main.vcl".
	Source string
}

// partMark begins a line of the header that describes a part.
const partMark = mark + "part "

// String gives the line of the header that describes the part, without its end.
func (p Part) String() string {
	return fmt.Sprintf("%s%d %d %s %s", partMark, p.First, p.Lines, p.FailureMode, p.Source)
}

// has says whether a line of main.vcl, counted from 1, belongs to the part.
func (p Part) has(line int) bool { return line >= p.First && line < p.First+p.Lines }

// headerLines are the lines of the header below the first one. What a user wrote is never among them: VCL of the
// operator's own stands between.
func headerLines(data []byte) []string {
	var lines []string
	for i := 0; ; i++ {
		line, rest, found := bytes.Cut(data, []byte("\n"))
		if !found || !bytes.HasPrefix(line, []byte(mark)) {
			return lines
		}
		if i > 0 {
			lines = append(lines, string(line))
		}
		data = rest
	}
}

// parseParts reads the parts that the header lists. Lines that say something else are for readers of a later minor version.
func parseParts(data []byte) ([]Part, error) {
	lines := headerLines(data)
	// next is the first line that a part may have.
	next, end := len(lines)+2, bytes.Count(data, []byte("\n"))+1
	var parts []Part
	for _, line := range lines {
		text, isPart := strings.CutPrefix(line, partMark)
		if !isPart {
			continue
		}
		part, err := parsePart(text)
		switch {
		case err != nil:
			return nil, fmt.Errorf("the header describes a part as %q: %w", text, err)
		case part.First < next || part.Lines > end-part.First:
			return nil, fmt.Errorf("the header describes a part as %q, which are not its lines", text)
		}
		next = part.First + part.Lines
		parts = append(parts, part)
	}
	return parts, nil
}

func parsePart(text string) (Part, error) {
	fields := strings.SplitN(text, " ", 4)
	if len(fields) < 4 {
		return Part{}, fmt.Errorf("%d words instead of at least 4", len(fields))
	}
	var numbers [2]int
	for i := range numbers {
		number, err := strconv.ParseUint(fields[i], 10, 31)
		if err != nil || number == 0 {
			return Part{}, fmt.Errorf("%q is no number of lines", fields[i])
		}
		numbers[i] = int(number)
	}
	part := Part{First: numbers[0], Lines: numbers[1], FailureMode: FailClosed, Source: fields[3]}
	if FailureMode(fields[2]) == FailOpen {
		part.FailureMode = FailOpen
	}
	return part, nil
}

// WithoutFailOpen gives main.vcl without the parts that may be left out, and those parts. Every other line keeps its
// number. It gives nil where there is no such part, and where main.vcl has no header that can be read.
func WithoutFailOpen(data []byte) (rest []byte, left []Part) {
	header, _, err := Parse(data)
	if err != nil {
		return nil, nil
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	for _, part := range header.Parts {
		if part.FailureMode != FailOpen {
			continue
		}
		left = append(left, part)
		for i := range part.Lines {
			lines[part.First-1+i] = []byte("\n")
		}
	}
	if left == nil {
		return nil, nil
	}
	for i, line := range headerLines(data) {
		text, isPart := strings.CutPrefix(line, partMark)
		if part, err := parsePart(text); isPart && err == nil && part.FailureMode == FailOpen {
			// What is left out is no part any more.
			lines[i+1] = []byte(mark + "left-out " + text + "\n")
		}
	}
	return bytes.Join(lines, nil), left
}

// SameVCL says whether two main.vcl differ in nothing but sequence, version and failure modes, so that both compile or neither
// does.
func SameVCL(a, b []byte) bool {
	headerA, _, errA := Parse(a)
	headerB, _, errB := Parse(b)
	return errA == nil && errB == nil && bytes.Equal(withoutModes(a, headerA.Parts), withoutModes(b, headerB.Parts))
}

// withoutModes is main.vcl with FailClosed for every part, and without its first line.
func withoutModes(data []byte, parts []Part) []byte {
	var out bytes.Buffer
	for _, part := range parts {
		part.FailureMode = FailClosed
		out.WriteString(part.String() + "\n")
	}
	header := len(headerLines(data))
	for i, line := range bytes.SplitAfter(data, []byte("\n"))[1:] {
		if i >= header || !bytes.HasPrefix(line, []byte(partMark)) {
			out.Write(line)
		}
	}
	return out.Bytes()
}
