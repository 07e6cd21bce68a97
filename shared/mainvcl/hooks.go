package mainvcl

import (
	"bytes"
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

// What a gateway loads instead of these lines, in one line each, so that every other line keeps its number.
const (
	vclBefore = `sub vcl_hash { ghost.hash(); } ` +
		`sub vcl_miss { ghost.miss(); } ` +
		`sub vcl_backend_response { ghost.backend_response(); } ` +
		`sub vcl_deliver { if (ghost.stale()) { return (restart); } } ` +
		`sub vcl_synth { if (ghost.stale()) { return (restart); } }`
	vclLookup = `if (ghost.lookup()) { return (hash); }`
)

// vclAfter ends what a gateway loads: what is decided where the users' VCL has decided nothing.
const vclAfter = `
sub vcl_hash {
	if (ghost.hash()) {
		return (lookup);
	}
}

sub vcl_backend_response {
	if (ghost.keeps_stale()) {
		if (bereq.is_bgfetch) {
			return (abandon);
		}
		return (error(beresp.status, beresp.reason));
	}
	if (ghost.store()) {
		return (deliver);
	}
}
`

const vclDirect = `
sub vcl_init {
	ghost.pass_door("direct");
}
`

// Complete gives main.vcl as a gateway of this version loads it: with the calls for the cache where there is a place for
// them, and with VCL that opens the direct door where the header names it. Every line keeps its number.
func Complete(data []byte) []byte {
	loaded := data
	if with, found := withHooks(data); found {
		loaded = append(with, vclAfter...)
	}
	if parsePassDoor(data) == PassDoorDirect {
		loaded = append(bytes.Clone(loaded), vclDirect...)
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

var hooks = map[string]string{hookBefore: vclBefore, hookLookup: vclLookup}

func isUsers(parts []Part, line int) bool {
	for _, part := range parts {
		if part.has(line) {
			return true
		}
	}
	return false
}
