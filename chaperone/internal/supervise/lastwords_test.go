package supervise

import (
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestTheLastErrorSaysWhyVarnishdEnded(t *testing.T) {
	for name, c := range map[string]struct {
		lines []string
		want  string
	}{
		"it said nothing":            {nil, "varnishd: exit status 2"},
		"its last line":              {[]string{"Info: Hello.", "Bye."}, "varnishd: exit status 2: Bye."},
		"an error before its usage":  {[]string{`Error: Unknown parameter "x"`, "Usage: varnishd [options]", ""}, `varnishd: exit status 2: Error: Unknown parameter "x"`},
		"an error in the line below": {[]string{"Error:", `Unknown parameter "x".`, "more"}, `varnishd: exit status 2: Error: Unknown parameter "x".`},
		"the last of several errors": {[]string{"Error: a", "Error: b"}, "varnishd: exit status 2: Error: b"},
	} {
		t.Run(name, func(t *testing.T) {
			last := &lastWords{}
			for _, line := range c.lines {
				last.note(line)
			}
			assert.Equal(t, c.want, last.after(errors.New("varnishd: exit status 2")))
		})
	}
}
