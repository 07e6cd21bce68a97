package mainvcl_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

func TestWordsByWhichVCLTakesPartInPassesAreFound(t *testing.T) {
	for text, want := range map[string]struct {
		word string
		line int
	}{
		"":                                     {"", 0},
		"sub vcl_recv { return (hash); }":      {"", 0},
		"sub vcl_init { }\nsub vcl_fini { }\n": {"", 0},
		"sub vcl_miss { }\nsub vcl_hit { }\n":  {"", 0},
		"sub my_vcl_deliver { }":               {"", 0},
		"sub vcl_delivery { }":                 {"", 0},
		"sub vcl_recv { }\nsub vcl_deliver {}": {"vcl_deliver", 2},
		"sub vcl_backend_response { }":         {"vcl_backend_response", 1},
		"sub vcl_backend_fetch{}":              {"vcl_backend_fetch", 1},
		"sub vcl_backend_refresh{}":            {"vcl_backend_refresh", 1},
		"sub vcl_pass { }":                     {"vcl_pass", 1},
		"sub vcl_hash { }":                     {"vcl_hash", 1},
		"\n\nsub vcl_synth { }":                {"vcl_synth", 3},
		"include \"other.vcl\";":               {"include", 1},
		"# vcl_deliver is not for us":          {"vcl_deliver", 1},
		"if (ghost.answer() == 0) {}":          {"ghost.answer", 1},
		"if (!ghost . answer()) {}":            {"ghost . answer", 1},
		"import ghost as g;\nif (g.answer())":  {"g.answer", 2},
		"set req.http.X-Answer = answer;":      {"", 0},
		"if (req.http.x.answers) {}":           {"", 0},
	} {
		t.Run(text, func(t *testing.T) {
			word, line := mainvcl.PartInPasses(text)
			assert.Equal(t, want.word, word)
			assert.Equal(t, want.line, line)
		})
	}
}

func TestWordsByWhichVCLBypassesTheDirectDoorAreFound(t *testing.T) {
	for text, want := range map[string]struct {
		word string
		line int
	}{
		"":                                      {"", 0},
		"sub vcl_recv { return (synth(403)); }": {"", 0},
		"sub vcl_recv { return (restart); }":    {"", 0},
		"sub vcl_recv { set req.url = \"/pass\"; }":     {"", 0},
		"sub vcl_recv {\n\treturn (pass);\n}":           {"return (pass)", 2},
		"sub vcl_recv { return(hash); }":                {"return(hash)", 1},
		"sub vcl_recv { return ( pipe ) ; }":            {"return ( pipe )", 1},
		"sub vcl_recv { return (vcl(other)); }":         {"return (vcl(other))", 1},
		"sub vcl_recv {\n\n set req.backend_hint = b;}": {"req.backend_hint", 3},
		"# return (pass)":                               {"return (pass)", 1},
	} {
		t.Run(text, func(t *testing.T) {
			word, line := mainvcl.BypassesDirectDoor(text)
			assert.Equal(t, want.word, word)
			assert.Equal(t, want.line, line)
		})
	}
}

func TestWhatOfUsersVCLBypassesTheDirectDoorIsToldWithItsSource(t *testing.T) {
	around := mainvcl.Source{Name: "ConfigMap a/around, key main.vcl", Text: "# mine\nsub vcl_recv { return (pass); }\n"}
	for name, c := range map[string]struct {
		sources []mainvcl.Source
		door    mainvcl.PassDoor
		want    string
	}{
		"the door is open": {[]mainvcl.Source{class, around}, mainvcl.PassDoorDirect,
			"ConfigMap a/around, key main.vcl, line 2: return (pass)"},
		"the door is shut":    {[]mainvcl.Source{around}, mainvcl.PassDoorFetch, ""},
		"nothing bypasses it": {[]mainvcl.Source{class, own}, mainvcl.PassDoorDirect, ""},
		// What is generated passes as well.
		"nobody wrote anything": {nil, mainvcl.PassDoorDirect, ""},
	} {
		t.Run(name, func(t *testing.T) {
			data, _ := mainvcl.Stamp(nil, mainvcl.Compose(before, c.sources, after, c.door))
			assert.Equal(t, c.want, mainvcl.UsersBypassDirectDoor(data))
		})
	}
	assert.Empty(t, mainvcl.UsersBypassDirectDoor([]byte("no main.vcl")))
}

func TestTheDoorIsWhatTheHeaderNames(t *testing.T) {
	direct, _ := mainvcl.Stamp(nil, mainvcl.Compose(before, []mainvcl.Source{class, own}, after, mainvcl.PassDoorDirect))
	header, _, err := mainvcl.Parse(direct)
	require.NoError(t, err)
	assert.Equal(t, mainvcl.PassDoorDirect, header.PassDoor)
	lines := strings.Split(string(direct), "\n")
	for i, want := range []mainvcl.Source{class, own} {
		part := header.Parts[i]
		assert.Equal(t, "// From "+want.Name, lines[part.First-2], "the line of the door is counted")
	}
	loaded := string(mainvcl.Complete(direct))
	assert.True(t, strings.HasPrefix(loaded, string(direct)), "every line keeps its number")
	assert.Contains(t, loaded, `ghost.pass_door("direct");`)

	for name, line := range map[string]string{
		"no line":       "",
		"the other one": "// varnish-gateway passes Fetch\n",
		"no door":       "// varnish-gateway passes Window\n",
		"two words":     "// varnish-gateway passes Direct always\n",
		"another case":  "// varnish-gateway passes direct\n",
	} {
		t.Run(name, func(t *testing.T) {
			data := []byte("// varnish-gateway main.vcl 1.3 sequence 7\n" + line + before)
			header, _, err := mainvcl.Parse(data)
			require.NoError(t, err)
			assert.Equal(t, mainvcl.PassDoorFetch, header.PassDoor)
			assert.Equal(t, data, mainvcl.Complete(data))
		})
	}
}
