// Package vcl brings main.vcl into varnishd: it compiles, uses and discards, falls back to the last good
// one, and keeps the compiler's message.
package vcl

import (
	_ "embed"
	"fmt"

	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

var (
	// openSource routes as docs/reference/vcl-contract.md says, without any user's VCL.
	//
	//go:embed open.vcl
	openSource []byte
	// closedSource answers 503.
	//
	//go:embed closed.vcl
	closedSource []byte
)

// prefixes of names, by what a program stands for.
var prefixes = map[adminapi.Fallback]string{
	adminapi.FallbackNone: "main-", adminapi.FallbackLastGood: "main-", adminapi.FallbackPartial: "partial-",
	adminapi.FallbackOpen: "open-", adminapi.FallbackClosed: "closed-",
}

// digestLength is the number of hexadecimal digits that tell two sources of one sequence apart.
const digestLength = 8

// Program is VCL that can be loaded.
type Program struct {
	// Name under which varnishd knows it: sequence and digest are in it, so that the same name is always
	// the same source.
	Name string
	// Sequence of main.vcl; 0 for what stands for it, but for the last good one.
	Sequence int64
	// Digest of main.vcl, whole; empty for what stands for it, but for the last good one.
	Digest string
	Source []byte
	// Fallback says what it is where it stands for main.vcl.
	Fallback adminapi.Fallback
	// namesParts says that Parts are all that users wrote of it.
	namesParts bool
	// Parts are what users wrote of it, LeftOut what users wrote and it has not.
	Parts, LeftOut []mainvcl.Part
}

// Parse makes a Program of main.vcl. It refuses a header that cannot be read, and another major version.
func Parse(source []byte) (Program, error) {
	header, _, err := mainvcl.Parse(source)
	if err != nil {
		return Program{}, err
	}
	name := fmt.Sprintf("%s%d-%s", prefixes[adminapi.FallbackNone], header.Sequence, digest(source))
	return Program{Name: name, Sequence: header.Sequence, Digest: contract.Digest(source), Source: source, Parts: header.Parts, namesParts: header.NamesParts()}, nil
}

// without are the programs that serve with less than this main.vcl, the best first. There are none where nobody knows
// what users wrote of it: it might have been what must hold.
func (p Program) without() []Program {
	if !p.namesParts {
		return nil
	}
	var list []Program
	rest, left := mainvcl.WithoutFailOpen(p.Source)
	if left != nil {
		list = append(list, fallback(adminapi.FallbackPartial, rest, left))
	}
	if len(left) == len(p.Parts) {
		list = append(list, fallback(adminapi.FallbackOpen, openSource, left))
	}
	return list
}

// closed answers every request 503.
func closed() Program { return fallback(adminapi.FallbackClosed, closedSource, nil) }

func fallback(kind adminapi.Fallback, source []byte, left []mainvcl.Part) Program {
	return Program{Name: prefixes[kind] + digest(source), Source: source, Fallback: kind, LeftOut: left}
}

func digest(source []byte) string { return contract.Digest(source)[:digestLength] }
