package mainvcl

import (
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

// PartInPasses finds the first word by which VCL may have a part in passed requests beyond vcl_recv, and its line,
// counted from 1. It looks for words and does not parse, so that it errs to the safe side: a word in a comment
// counts. The word is empty where there is none.
func PartInPasses(vcl string) (word string, line int) {
	found := takesPart.FindStringIndex(vcl)
	if found == nil {
		return "", 0
	}
	return vcl[found[0]:found[1]], 1 + strings.Count(vcl[:found[0]], "\n")
}
