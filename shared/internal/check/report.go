// Package check collects the problems of a file, each with its path.
package check

import (
	"fmt"
	"strconv"

	"github.com/varnish-gateway/gateway/shared/contract"
)

// Path leads from the root of a file to one of its fields. It becomes text only when there is something to
// report, since nearly every record is sound.
type Path struct {
	parent *Path
	name   string
	index  int
}

const noIndex = -1

// Field is the path of a member of the object at p.
func (p *Path) Field(name string) *Path {
	return &Path{parent: p, name: name, index: noIndex}
}

// At is the path of an element of a list that is a member of the object at p.
func (p *Path) At(name string, index int) *Path {
	return &Path{parent: p, name: name, index: index}
}

// String gives the path as in "routes[3].rules[0].id".
func (p *Path) String() string {
	if p == nil {
		return ""
	}
	text := p.name
	if p.index != noIndex {
		text += "[" + strconv.Itoa(p.index) + "]"
	}
	if parent := p.parent.String(); parent != "" {
		return parent + "." + text
	}
	return text
}

// Report collects problems in the order of the file.
type Report struct {
	// Object is named in the problems that are added from now on.
	Object      string
	Diagnostics []contract.Diagnostic
}

// Add reports a problem at a path.
func (r *Report) Add(path *Path, format string, args ...any) {
	r.Diagnostics = append(r.Diagnostics, contract.Diagnostic{
		Path:    path.String(),
		Object:  r.Object,
		Message: fmt.Sprintf(format, args...),
	})
}
