package mainvcl_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

const before, after = "vcl 4.1;\n\nimport ghost;\n", "sub vcl_recv {\n\treturn (pass);\n}\n"

var (
	class = mainvcl.Source{Name: "ConfigMap infra/cache, key main.vcl", Text: "# class 1\n# class 2\n", FailureMode: mainvcl.FailClosed}
	own   = mainvcl.Source{Name: "ConfigMap shop/vcl, key shop.vcl", Text: "# own 1\n# own 2\n# own 3", FailureMode: mainvcl.FailOpen}
)

// compose is a whole main.vcl.
func compose(sources ...mainvcl.Source) string {
	data, _ := mainvcl.Stamp(nil, mainvcl.Compose(before, sources, after, mainvcl.PassDoorFetch))
	return string(data)
}

func TestAComposedFileTellsWhichLinesAUserWrote(t *testing.T) {
	data := compose(class, own)
	header, _, err := mainvcl.Parse([]byte(data))
	require.NoError(t, err)
	lines := strings.Split(data, "\n")
	require.Len(t, header.Parts, 2)
	for i, want := range []mainvcl.Source{class, own} {
		part := header.Parts[i]
		assert.Equal(t, want.Name, part.Source)
		assert.Equal(t, want.FailureMode, part.FailureMode)
		text := strings.Join(lines[part.First-1:part.First-1+part.Lines], "\n")
		assert.Equal(t, strings.TrimSuffix(want.Text, "\n"), text)
		assert.Equal(t, "// From "+want.Name, lines[part.First-2])
	}
}

func TestAFileWithoutUserVCLHasNoParts(t *testing.T) {
	header, body, err := mainvcl.Parse([]byte(compose()))
	require.NoError(t, err)
	assert.Empty(t, header.Parts)
	assert.Equal(t, "// varnish-gateway passes Fetch\n"+before+"\n"+after, string(body))
}

func TestPartsAreRead(t *testing.T) {
	const first = "// varnish-gateway main.vcl 1.3 sequence 7\n"
	for name, c := range map[string]struct {
		text string
		want []mainvcl.Part
	}{
		"none, as before 1.1": {"vcl 4.1;\n", nil},
		"one that may be left out": {
			"// varnish-gateway part 3 1 FailOpen ConfigMap a/b, key c\n# user\n",
			[]mainvcl.Part{{First: 3, Lines: 1, FailureMode: mainvcl.FailOpen, Source: "ConfigMap a/b, key c"}},
		},
		"a failure mode of a later version fails closed": {
			"// varnish-gateway part 3 1 FailSoftly x\n# user\n",
			[]mainvcl.Part{{First: 3, Lines: 1, FailureMode: mainvcl.FailClosed, Source: "x"}},
		},
		"a line of a later version is none": {"// varnish-gateway cache 3 1\n# user\n", nil},
		"what a user wrote is no header":    {"vcl 4.1;\n// varnish-gateway part 3 1 FailOpen x\n", nil},
	} {
		t.Run(name, func(t *testing.T) {
			header, _, err := mainvcl.Parse([]byte(first + c.text))
			require.NoError(t, err)
			assert.Equal(t, c.want, header.Parts)
		})
	}
	for name, text := range map[string]string{
		"too few words":             "// varnish-gateway part 3 1 FailOpen\n# user\n",
		"no number":                 "// varnish-gateway part three 1 FailOpen x\n# user\n",
		"no lines":                  "// varnish-gateway part 3 0 FailOpen x\n# user\n",
		"lines of the header":       "// varnish-gateway part 2 1 FailOpen x\n# user\n",
		"lines behind the end":      "// varnish-gateway part 3 2 FailOpen x\n# user\n",
		"lines of the part before":  "// varnish-gateway part 4 2 FailOpen x\n// varnish-gateway part 5 1 FailOpen y\n#\n#\n",
		"a number beyond all lines": "// varnish-gateway part 3 2147483647 FailOpen x\n# user\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := mainvcl.Parse([]byte(first + text))
			var syntax *contract.SyntaxError
			assert.ErrorAs(t, err, &syntax, "whoever cannot tell what must hold does not load any of it")
		})
	}
}

func TestPartsThatMayBeLeftOutAreLeftOut(t *testing.T) {
	whole := compose(class, own)
	rest, left := mainvcl.WithoutFailOpen([]byte(whole))
	require.Len(t, left, 1)
	assert.Equal(t, own.Name, left[0].Source)
	assert.Contains(t, string(rest), "# class 2\n")
	assert.NotContains(t, string(rest), "# own")
	assert.Equal(t, strings.Count(whole, "\n"), strings.Count(string(rest), "\n"), "other lines keep their numbers")
	header, _, err := mainvcl.Parse(rest)
	require.NoError(t, err)
	require.Len(t, header.Parts, 1)
	assert.Equal(t, class.Name, header.Parts[0].Source)

	for name, text := range map[string]string{
		"all parts must hold": compose(class), "no parts": compose(), "no header": body,
		"a major version that nobody knows": strings.Replace(whole, " 1.3 ", " 2.0 ", 1),
	} {
		rest, left = mainvcl.WithoutFailOpen([]byte(text))
		assert.Nil(t, rest, name)
		assert.Nil(t, left, name)
	}
}

func TestFailureModesDoNotChangeTheVCL(t *testing.T) {
	open, other := class, class
	open.FailureMode, other.Text = mainvcl.FailOpen, "# another\n# one\n"
	two := class
	two.Name = "ConfigMap other/cache, key main.vcl"
	whole := compose(class, own)
	for name, c := range map[string]struct {
		b    string
		want bool
	}{
		"the same":                 {whole, true},
		"another sequence":         {strings.Replace(whole, "sequence 1", "sequence 9", 1), true},
		"another failure mode":     {compose(open, own), true},
		"another text":             {compose(other, own), false},
		"another source":           {compose(two, own), false},
		"a part less":              {compose(class), false},
		"another order":            {compose(own, class), false},
		"a file of version 1.0":    {"// varnish-gateway main.vcl 1.0 sequence 1\n" + before, false},
		"a file that is no VCL":    {body, false},
		"nothing at all":           {"", false},
		"something behind the end": {whole + "# more", false},
	} {
		assert.Equal(t, c.want, mainvcl.SameVCL([]byte(whole), []byte(c.b)), name)
		assert.Equal(t, c.want, mainvcl.SameVCL([]byte(c.b), []byte(whole)), name)
	}
}

func FuzzCompose(f *testing.F) {
	f.Add("ConfigMap a/b, key c", "sub vcl_recv { }", true, "x", "", false)
	f.Add("\n// varnish-gateway part 3 1 FailOpen x", "// varnish-gateway part 3 1 FailOpen x\n\n", true, " FailOpen ", "\r\n", true)
	f.Fuzz(func(t *testing.T, name1, text1 string, open1 bool, name2, text2 string, open2 bool) {
		mode := map[bool]mainvcl.FailureMode{false: mainvcl.FailClosed, true: mainvcl.FailOpen}
		sources := []mainvcl.Source{{Name: name1, Text: text1, FailureMode: mode[open1]}, {Name: name2, Text: text2, FailureMode: mode[open2]}}
		data := compose(sources...)
		header, _, err := mainvcl.Parse([]byte(data))
		require.NoError(t, err)
		require.Len(t, header.Parts, 2)
		lines := strings.SplitAfter(data, "\n")
		for i, part := range header.Parts {
			require.Equal(t, sources[i].FailureMode, part.FailureMode)
			text := strings.Join(lines[part.First-1:part.First-1+part.Lines], "")
			require.Equal(t, strings.TrimSuffix(sources[i].Text, "\n"), strings.TrimSuffix(text, "\n"))
		}
		rest, left := mainvcl.WithoutFailOpen([]byte(data))
		if len(left) == 0 {
			require.False(t, open1 || open2)
			return
		}
		remaining, _, err := mainvcl.Parse(rest)
		require.NoError(t, err)
		require.Len(t, remaining.Parts, 2-len(left))
		for i, line := range strings.SplitAfter(string(rest), "\n") {
			if i >= 4 && line != "\n" {
				require.Equal(t, lines[i], line)
			}
		}
	})
}
