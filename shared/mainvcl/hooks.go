package mainvcl

import (
	"bytes"
	_ "embed"
	"strings"
)

// The lines of main.vcl at which a gateway adds what its own VMOD has for the cache. For one that has nothing they are
// comments, and it passes every request.
const (
	// hookBefore stands behind what is generated before the users' VCL.
	hookBefore = mark + "cache before"
	// hookLookup stands in vcl_recv, behind the users' VCL, where requests would be passed.
	hookLookup = mark + "cache lookup"
)

// What a gateway adds.
var (
	//go:embed vcl/before.vcl
	vclBefore string
	//go:embed vcl/lookup.vcl
	vclLookup string
	// What is decided where the users' VCL has decided nothing.
	//go:embed vcl/after.vcl
	vclAfter string
	//go:embed vcl/direct.vcl
	vclDirect string
)

// hooks are what stands in the place of each line, in one line, so that every other line keeps its number.
var hooks = map[string]string{hookBefore: inOneLine(vclBefore), hookLookup: inOneLine(vclLookup)}

func inOneLine(vcl string) string { return strings.Join(strings.Fields(vcl), " ") }

// Complete gives main.vcl as a gateway of this version loads it: with the calls for the cache where there is a place for
// them, and with VCL that opens the direct door where the header names it. Every line keeps its number.
func Complete(data []byte) []byte {
	loaded := data
	if with, found := withHooks(data); found {
		loaded = append(with, "\n"+vclAfter...)
	}
	if parsePassDoor(data) == PassDoorDirect {
		loaded = append(bytes.Clone(loaded), "\n"+vclDirect...)
	}
	return loaded
}

// withHooks replaces the lines that are places for the cache, but for those that a user wrote. It says whether both are
// there.
func withHooks(data []byte) (with []byte, found bool) {
	header, _, err := Parse(data)
	if err != nil {
		return nil, false
	}
	lines := strings.SplitAfter(string(data), "\n")
	replaced := map[string]bool{}
	for i, line := range lines {
		vcl, isHook := hooks[strings.TrimSpace(line)]
		if isHook && !isUsers(header.Parts, i+1) {
			lines[i] = vcl + "\n"
			replaced[vcl] = true
		}
	}
	return []byte(strings.Join(lines, "")), len(replaced) == len(hooks)
}

func isUsers(parts []Part, line int) bool {
	for _, part := range parts {
		if part.has(line) {
			return true
		}
	}
	return false
}
