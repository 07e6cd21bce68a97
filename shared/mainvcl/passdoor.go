package mainvcl

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"
)

// PassDoor says how requests that are not cached reach their backends.
type PassDoor string

// The doors.
const (
	// PassDoorDirect means that ghost answers in the client's own thread. vcl_pass, vcl_backend_* and vcl_deliver do
	// not run for such a request.
	PassDoorDirect PassDoor = "Direct"
	// PassDoorFetch means that Varnish fetches, as it does for what it caches.
	PassDoorFetch PassDoor = "Fetch"
)

// passMark begins the line of the header that names the door.
const passMark = mark + "passes "

// parsePassDoor reads the door that the header names. What a reader does not know is the fetch door, which suits every VCL.
func parsePassDoor(data []byte) PassDoor {
	for _, line := range headerLines(data) {
		if door, found := strings.CutPrefix(line, passMark); found && PassDoor(door) == PassDoorDirect {
			return PassDoorDirect
		}
	}
	return PassDoorFetch
}

// takesPart finds the words by which VCL may have a part in a passed request once vcl_recv is through: Varnish's
// subroutines, but for those that never see it, and other files, whose content is not known. ghost.answer() counts as
// well: VCL that asks it in vcl_recv takes 0 for "a backend is asked", and would get 200 by the direct door. So it would
// look nothing up in the cache any more. The module may have been imported under another name.
var takesPart = regexp.MustCompile(
	`\b(?:vcl_(?:hash|pass|synth|deliver|backend_\w+)|include|\w[\w-]*\s*\.\s*answer)\b`)

// bypasses finds the words by which VCL in vcl_recv may keep a request from the direct door, whatever is chosen: it
// returns before the end of what is generated, which asks ghost.answer(), or it names another backend.
var bypasses = regexp.MustCompile(
	`\b(?:return\s*\(\s*(?:pass|hash|pipe|vcl\s*\([^)]*\))\s*\)|req\s*\.\s*backend_hint)`)

// PartInPasses finds the first word by which VCL may have a part in passed requests beyond vcl_recv, and its line,
// counted from 1. It looks for words and does not parse, so that it errs to the safe side: a word in a comment
// counts. The word is empty where there is none.
func PartInPasses(vcl string) (word string, line int) { return first(takesPart, vcl) }

// BypassesDirectDoor finds the first word by which VCL may keep requests that are not cached from the direct door, and its
// line. It searches as PartInPasses does.
func BypassesDirectDoor(vcl string) (word string, line int) { return first(bypasses, vcl) }

// UsersBypassDirectDoor finds the same in what users wrote of main.vcl, where that opens the direct door, and says it with
// the source: "ConfigMap infra/cache, key main.vcl, line 3: return (pass)". It is empty where there is none.
func UsersBypassDirectDoor(data []byte) string {
	header, _, err := Parse(data)
	if err != nil || header.PassDoor != PassDoorDirect {
		return ""
	}
	lines := bytes.SplitAfter(data, []byte("\n"))
	for _, part := range header.Parts {
		from := min(part.First-1, len(lines))
		text := bytes.Join(lines[from:min(from+part.Lines, len(lines))], nil)
		if word, line := BypassesDirectDoor(string(text)); word != "" {
			return At(part.Source, line, word)
		}
	}
	return ""
}

// At says where a word of a user's VCL stands.
func At(source string, line int, word string) string {
	return fmt.Sprintf("%s, line %d: %s", source, line, word)
}

func first(words *regexp.Regexp, vcl string) (word string, line int) {
	found := words.FindStringIndex(vcl)
	if found == nil {
		return "", 0
	}
	return vcl[found[0]:found[1]], 1 + strings.Count(vcl[:found[0]], "\n")
}
