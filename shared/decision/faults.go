package decision

import (
	"fmt"
	"strings"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// faults are the problems that validation found, by which records are inert.
type faults []ghostconf.Diagnostic

// at is the first problem of a field or of anything within it, and whether there is one.
func (f faults) at(format string, args ...any) (ghostconf.Diagnostic, bool) {
	if len(f) == 0 {
		return ghostconf.Diagnostic{}, false
	}
	path := fmt.Sprintf(format, args...)
	for _, fault := range f {
		rest, ok := strings.CutPrefix(fault.Path, path)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return fault, true
		}
	}
	return ghostconf.Diagnostic{}, false
}

// among is the first problem of any of the fields of a record.
func (f faults) among(record string, fields ...string) (ghostconf.Diagnostic, bool) {
	for _, field := range fields {
		if fault, ok := f.at("%s.%s", record, field); ok {
			return fault, true
		}
	}
	return ghostconf.Diagnostic{}, false
}
