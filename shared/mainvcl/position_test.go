package mainvcl_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

var parts = []mainvcl.Part{
	{First: 40, Lines: 10, Source: "ConfigMap infra/cache, key main.vcl"},
	{First: 52, Lines: 5, Source: "ConfigMap shop/vcl, key shop.vcl"},
}

// Messages have the forms of Varnish 7.7's lib/libvcc/vcc_token.c (vcc_icoord, vcc_ErrWhere, vcc_ErrWhere2).
func TestPositionsAreOfTheUsersSource(t *testing.T) {
	for name, c := range map[string]struct{ message, want string }{
		"a single position": {
			"Message from VCC-compiler:\nExpected ';' got '}'\n(program line 415), at\n('main.vcl' Line 42 Pos 31)\n  set req.http.X = \"a\" }\n--------------------#-\n\nRunning VCC-compiler failed, exited with 2",
			"Message from VCC-compiler:\nExpected ';' got '}'\n(program line 415), at\n('ConfigMap infra/cache, key main.vcl' Line 3 Pos 31)\n  set req.http.X = \"a\" }\n--------------------#-\n\nRunning VCC-compiler failed, exited with 2",
		},
		"the first line of a part": {"('main.vcl' Line 52 Pos 1)", "('ConfigMap shop/vcl, key shop.vcl' Line 1 Pos 1)"},
		"the last line of a part":  {"('main.vcl' Line 56 Pos 1)", "('ConfigMap shop/vcl, key shop.vcl' Line 5 Pos 1)"},
		"what is generated":        {"('main.vcl' Line 51 Pos 1)\nsub vcl_recv {\n###-----------", "('main.vcl' Line 51 Pos 1)\nsub vcl_recv {\n###-----------"},
		"a range in one line": {
			"('main.vcl' Line 41 Pos 3) -- (Pos 9)\n  foo bar\n--#######", "('ConfigMap infra/cache, key main.vcl' Line 2 Pos 3) -- (Pos 9)\n  foo bar\n--#######",
		},
		"a range that ends in the next line": {
			"('main.vcl' Line 41 Pos 3) -- ('main.vcl' Line 42 Pos 9)\n  foo\n--###\n  bar\n##---",
			"('ConfigMap infra/cache, key main.vcl' Line 2 Pos 3) -- ('ConfigMap infra/cache, key main.vcl' Line 3 Pos 9)\n  foo\n--###\n  bar\n##---",
		},
		"a range of many lines": {
			"('main.vcl' Line 41 Pos 3)\n  foo\n--###\n[...]\n('main.vcl' Line 44 Pos 9)\n  bar\n##---",
			"('ConfigMap infra/cache, key main.vcl' Line 2 Pos 3)\n  foo\n--###\n[...]\n('ConfigMap infra/cache, key main.vcl' Line 5 Pos 9)\n  bar\n##---",
		},
		"two places in two parts": {
			"Backend 'x' already defined.\n('main.vcl' Line 53 Pos 9)\nbackend x {\n--------#--\n\nPreviously defined:\n('main.vcl' Line 45 Pos 9)\nbackend x {\n--------#--\n",
			"Backend 'x' already defined.\n('ConfigMap shop/vcl, key shop.vcl' Line 2 Pos 9)\nbackend x {\n--------#--\n\nPreviously defined:\n('ConfigMap infra/cache, key main.vcl' Line 6 Pos 9)\nbackend x {\n--------#--\n",
		},
		"words before a position": {
			"At: ('main.vcl' Line 41 Pos 16) -- (Pos 20)\nsub vcl_recv { retrn (pass); }\n---------------#####----------",
			"At: ('ConfigMap infra/cache, key main.vcl' Line 2 Pos 16) -- (Pos 20)\nsub vcl_recv { retrn (pass); }\n---------------#####----------",
		},
		"a position among the words": {
			"'('main.vcl' Line 41 Pos 1)' at: ('main.vcl' Line 41 Pos 1)", "'('main.vcl' Line 41 Pos 1)' at: ('ConfigMap infra/cache, key main.vcl' Line 2 Pos 1)",
		},
		"an included file":                 {"('/etc/varnish/x.vcl' Line 41 Pos 3)", "('/etc/varnish/x.vcl' Line 41 Pos 3)"},
		"code that looks like a position":  {"('main.vcl' Line 41 Pos 1)\n('main.vcl' Line 42 Pos 1)\n#-------", "('ConfigMap infra/cache, key main.vcl' Line 2 Pos 1)\n('main.vcl' Line 42 Pos 1)\n#-------"},
		"a sentence that names a position": {"('main.vcl' Line 41 Pos 1) is odd", "('main.vcl' Line 41 Pos 1) is odd"},
		"words right before a position":    {"reserved.\nAt:('main.vcl' Line 41 Pos 1)", "reserved.\nAt:('ConfigMap infra/cache, key main.vcl' Line 2 Pos 1)"},
		"words without a position":         {"Backend host \"auth.svc\" could not be resolved", "Backend host \"auth.svc\" could not be resolved"},
		"nothing":                          {"", ""},
	} {
		t.Run(name, func(t *testing.T) {
			assert.Equal(t, c.want, mainvcl.Locate(c.message, parts))
			assert.Equal(t, c.message, mainvcl.Locate(c.message, nil), "without parts nothing is known")
		})
	}
}

func FuzzLocate(f *testing.F) {
	f.Add("at\n('main.vcl' Line 42 Pos 31)\ncode\n----#", 40, 10)
	f.Add("('main.vcl' Line 0042 Pos 31) -- ('main.vcl' Line 999999999 Pos 31)", 1, 1<<30)
	f.Fuzz(func(t *testing.T, message string, first, lines int) {
		located := mainvcl.Locate(message, []mainvcl.Part{{First: first, Lines: lines, Source: "x"}})
		before, after := strings.Split(message, "\n"), strings.Split(located, "\n")
		require.Len(t, after, len(before), "lines stay where they are")
		for i := range before {
			if before[i] != after[i] {
				require.Contains(t, before[i], "('main.vcl' Line ", "positions alone change")
			}
		}
	})
}
