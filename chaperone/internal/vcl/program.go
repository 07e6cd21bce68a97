// Package vcl brings main.vcl into varnishd: it compiles, uses and discards, falls back to the last good
// one, and keeps the compiler's message.
package vcl

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"

	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// builtinSource routes as docs/reference/vcl-contract.md says, without any user's VCL.
//
//go:embed builtin.vcl
var builtinSource []byte

const (
	mainPrefix    = "main-"
	builtinPrefix = "builtin-"
	// digestLength is the number of hexadecimal digits that tell two sources of one sequence apart.
	digestLength = 8
)

// Program is VCL that can be loaded.
type Program struct {
	// Name under which varnishd knows it: sequence and digest are in it, so that the same name is always
	// the same source.
	Name string
	// Sequence of main.vcl; 0 for the built-in VCL.
	Sequence int64
	Source   []byte
}

// Parse makes a Program of main.vcl. It refuses a first line that is no header, and another major version.
func Parse(source []byte) (Program, error) {
	header, _, err := mainvcl.Parse(source)
	if err != nil {
		return Program{}, err
	}
	name := fmt.Sprintf("%s%d-%s", mainPrefix, header.Sequence, digest(source))
	return Program{Name: name, Sequence: header.Sequence, Source: source}, nil
}

// Builtin is the VCL that routes where no main.vcl compiles.
func Builtin() Program {
	return Program{Name: builtinPrefix + digest(builtinSource), Source: builtinSource}
}

// IsBuiltin says whether this is the built-in VCL.
func (p Program) IsBuiltin() bool { return p.Name == Builtin().Name }

func digest(source []byte) string {
	sum := sha256.Sum256(source)
	return hex.EncodeToString(sum[:])[:digestLength]
}
