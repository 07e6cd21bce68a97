package mainvcl_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

const (
	placeBefore = "// varnish-gateway cache before\n"
	placeLookup = "\t// varnish-gateway cache lookup\n"
)

func TestTheCacheIsAddedWhereThereIsAPlaceForIt(t *testing.T) {
	user := mainvcl.Source{Name: "ConfigMap infra/mine, key main.vcl", Text: placeBefore + placeLookup, FailureMode: mainvcl.FailClosed}
	for name, c := range map[string]struct {
		before, after string
		isAdded       bool
	}{
		"both places":                     {before + placeBefore, placeLookup + after, true},
		"the first one is missing":        {before, placeLookup + after, false},
		"the second one is missing":       {before + placeBefore, after, false},
		"main.vcl of an older contract":   {before, after, false},
		"a comment that only begins so":   {before + "// varnish-gateway cache before the end\n", placeLookup + after, false},
		"places that are indented by tab": {before + "\t" + placeBefore, "\t" + placeLookup + after, true},
	} {
		t.Run(name, func(t *testing.T) {
			data, _ := mainvcl.Stamp(nil, mainvcl.Compose(c.before, []mainvcl.Source{user}, c.after, mainvcl.PassDoorFetch))
			loaded := mainvcl.Complete(data)
			if !c.isAdded {
				assert.Equal(t, string(data), string(loaded))
				return
			}
			header, _, err := mainvcl.Parse(data)
			require.NoError(t, err)
			was, is := strings.Split(string(data), "\n"), strings.Split(string(loaded), "\n")
			part := header.Parts[0]
			assert.Equal(t, was[part.First-1:part.First+1], is[part.First-1:part.First+1], "what a user wrote stays as it is")
			changed := 0
			for i := range was {
				if was[i] != is[i] {
					changed++
				}
			}
			assert.Equal(t, 2, changed, "every other line keeps its number")
			for _, call := range []string{"ghost.hash()", "ghost.lookup()", "ghost.backend_response()", "ghost.store()"} {
				assert.Contains(t, string(loaded), call)
			}
		})
	}
}
