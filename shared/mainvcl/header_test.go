package mainvcl_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

const body = "vcl 4.1;\n\nimport ghost;\n"

func TestParsingSplitsHeaderAndBody(t *testing.T) {
	header, rest, err := mainvcl.Parse([]byte("// varnish-gateway main.vcl 1.0 sequence 7\n" + body))
	require.NoError(t, err)
	assert.Equal(t, mainvcl.Header{Version: "1.0", Sequence: 7, PassDoor: mainvcl.PassDoorFetch}, header)
	assert.Equal(t, body, string(rest))
	assert.Equal(t, "// varnish-gateway main.vcl 1.0 sequence 7", header.String())
}

func TestAHigherMinorIsRead(t *testing.T) {
	header, _, err := mainvcl.Parse([]byte("// varnish-gateway main.vcl 1.12 sequence 7\n"))
	require.NoError(t, err)
	assert.Equal(t, "1.12", header.Version)
}

func TestAHigherMajorIsRefusedByName(t *testing.T) {
	_, _, err := mainvcl.Parse([]byte("// varnish-gateway main.vcl 2.0 sequence 7\n" + body))
	var major *contract.MajorError
	require.ErrorAs(t, err, &major)
	assert.Equal(t, mainvcl.File, major.File)
	assert.EqualError(t, err, "main.vcl has version 2.0.0: this reader knows major version 1 only")
	assert.Equal(t, mainvcl.Version+".0", major.Reader.String(), "Version and the numbers that are compared agree")
}

func TestAFirstLineThatIsNoHeaderIsRefused(t *testing.T) {
	for name, text := range map[string]string{
		"empty":                        "",
		"no end of line":               "// varnish-gateway main.vcl 1.0 sequence 7",
		"VCL":                          body,
		"the header on line 2":         "\n// varnish-gateway main.vcl 1.0 sequence 7\n",
		"another file":                 "// varnish-gateway other.vcl 1.0 sequence 7\n",
		"no sequence":                  "// varnish-gateway main.vcl 1.0\n",
		"a negative sequence":          "// varnish-gateway main.vcl 1.0 sequence -7\n",
		"a leading zero":               "// varnish-gateway main.vcl 1.0 sequence 07\n",
		"a sequence that is too large": "// varnish-gateway main.vcl 1.0 sequence 9223372036854775808\n",
		"three numbers":                "// varnish-gateway main.vcl 1.0.0 sequence 7\n",
		"something behind":             "// varnish-gateway main.vcl 1.0 sequence 7 \n",
		"a carriage return":            "// varnish-gateway main.vcl 1.0 sequence 7\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			_, _, err := mainvcl.Parse([]byte(text))
			var syntax *contract.SyntaxError
			assert.ErrorAs(t, err, &syntax)
		})
	}
}

func TestStamping(t *testing.T) {
	for name, c := range map[string]struct {
		live, want string
		changed    bool
	}{
		"nothing live begins at 1":          {"", "// varnish-gateway main.vcl 1.3 sequence 1\n" + body, true},
		"the same body stays":               {"// varnish-gateway main.vcl 1.3 sequence 7\n" + body, "// varnish-gateway main.vcl 1.3 sequence 7\n" + body, false},
		"another body goes on":              {"// varnish-gateway main.vcl 1.0 sequence 7\nvcl 4.1;\n", "// varnish-gateway main.vcl 1.3 sequence 8\n" + body, true},
		"another version goes on":           {"// varnish-gateway main.vcl 2.3 sequence 7\n" + body, "// varnish-gateway main.vcl 1.3 sequence 8\n" + body, true},
		"an older version goes on":          {"// varnish-gateway main.vcl 1.0 sequence 7\n" + body, "// varnish-gateway main.vcl 1.3 sequence 8\n" + body, true},
		"a header broken by hand goes on":   {"// varnish-gateway main.vcl one sequence 7 \n" + body, "// varnish-gateway main.vcl 1.3 sequence 8\n" + body, true},
		"a file without header begins at 1": {body, "// varnish-gateway main.vcl 1.3 sequence 1\n" + body, true},
		"a sequence of 0 was not published": {"// varnish-gateway main.vcl 1.0 sequence 0\n" + body, "// varnish-gateway main.vcl 1.3 sequence 1\n" + body, true},
	} {
		t.Run(name, func(t *testing.T) {
			data, changed := mainvcl.Stamp([]byte(c.live), []byte(body))
			assert.Equal(t, c.want, string(data))
			assert.Equal(t, c.changed, changed)
		})
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte("// varnish-gateway main.vcl 1.0 sequence 7\n" + body))
	f.Add([]byte("// varnish-gateway main.vcl 2.0 sequence 0\n"))
	f.Add([]byte(body))
	f.Fuzz(func(t *testing.T, data []byte) {
		header, rest, err := mainvcl.Parse(data)
		stamped, changed := mainvcl.Stamp(data, rest)
		if err != nil {
			require.True(t, changed, "what cannot be read is written anew")
			return
		}
		require.Equal(t, string(data), header.String()+"\n"+string(rest), "a header that parses is written back as it was")
		next, _, err := mainvcl.Parse(stamped)
		require.NoError(t, err)
		if changed {
			require.Greater(t, next.Sequence, header.Sequence)
		} else {
			require.Equal(t, header, next)
		}
	})
}
