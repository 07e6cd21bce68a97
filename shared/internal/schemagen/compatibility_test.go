package schemagen_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/internal/schemagen"
)

// A frozen schema is the first of its major version. It is written once, when that version begins; until the
// first tag of all it may be written again.
var freeze = flag.Bool("freeze", false, "write the frozen schemas of the current versions")

func frozenFile(c schemagen.Contract) (string, error) {
	version, err := contract.ParseVersion(c.Version)
	return filepath.Join("frozen", fmt.Sprintf("%s-%d.schema.json", c.Name, version.Major)), err
}

func TestASchemaKeepsWhatItsMajorVersionFroze(t *testing.T) {
	for _, c := range schemagen.Contracts() {
		t.Run(c.Name, func(t *testing.T) {
			file, err := frozenFile(c)
			require.NoError(t, err)
			current, err := c.JSON()
			require.NoError(t, err)
			if *freeze {
				require.NoError(t, os.WriteFile(file, current, 0o644))
			}
			frozen, err := os.ReadFile(file)
			require.NoError(t, err, "a new major version needs a frozen schema: run `go test ./internal/schemagen -freeze`")

			difference := schemagen.Compare(decode(t, frozen), decode(t, current))
			assert.Empty(t, difference.Breaks, "this needs a new major version of %s", c.File)
			if len(difference.Additions) > 0 {
				title := decode(t, frozen)["title"].(string)
				assert.NotEqual(t, title, c.File+" "+c.Version, "this needs a new minor version of %s: %s", c.File, strings.Join(difference.Additions, "; "))
			}
		})
	}
}

func decode(t *testing.T, data []byte) map[string]any {
	var value map[string]any
	require.NoError(t, json.Unmarshal(data, &value))
	return value
}

const base = `{"$ref":"#/$defs/Config","title":"x 1.0.0","$defs":{
	"Config":{"properties":{"version":{"type":"string","description":"old"},"kind":{"type":"string","enum":["a","b"]},"list":{"type":"array","items":{"$ref":"#/$defs/Item"}}},"required":["version"]},
	"Item":{"properties":{"port":{"type":"integer","maximum":65535}}}}}`

func TestDifferencesBetweenSchemas(t *testing.T) {
	for name, c := range map[string]struct {
		old, new  string
		breaks    []string
		additions []string
	}{
		"nothing":                      {"", "", nil, nil},
		"another doc comment":          {`"description":"old"`, `"description":"new"`, nil, nil},
		"another title":                {`x 1.0.0`, `x 1.1.0`, nil, nil},
		"another root":                 {`"$ref":"#/$defs/Config"`, `"$ref":"#/$defs/Item"`, []string{"the root is #/$defs/Item, and was #/$defs/Config"}, nil},
		"a field that goes":            {`"version":{"type":"string","description":"old"},`, ``, []string{"field Config.version is gone"}, nil},
		"a field that comes":           {`"kind":{`, `"extra":{"type":"string"},"kind":{`, nil, []string{"field Config.extra is new"}},
		"a field that changes type":    {`"type":"string","description"`, `"type":"integer","description"`, []string{"field Config.version has another type or other limits"}, nil},
		"a limit that changes":         {`65535`, `1024`, []string{"field Item.port has another type or other limits"}, nil},
		"elements of another type":     {`"items":{"$ref":"#/$defs/Item"}`, `"items":{"type":"string"}`, []string{"field Config.list has another type or other limits"}, nil},
		"a value that goes":            {`["a","b"]`, `["a"]`, []string{"field Config.kind cannot be b any more"}, nil},
		"a value that comes":           {`["a","b"]`, `["a","b","c"]`, nil, []string{"field Config.kind can be c"}},
		"a field that may be absent":   {`"required":["version"]`, `"required":[]`, []string{"field Config.version may be absent, and was always there"}, nil},
		"a field that is always there": {`"required":["version"]`, `"required":["version","kind"]`, nil, []string{"field Config.kind is always there"}},
		"a new field that is always there": {`"kind":{"type":"string","enum":["a","b"]},"list":{"type":"array","items":{"$ref":"#/$defs/Item"}}},"required":["version"]`,
			`"kind":{"type":"string","enum":["a","b"]},"list":{"type":"array","items":{"$ref":"#/$defs/Item"}},"must":{"type":"string"}},"required":["version","must"]`,
			[]string{"field Config.must is new and always there, which older files do not have"}, []string{"field Config.must is new"}},
		"a type that goes":  {`"Item":{`, `"Thing":{`, []string{"type Item is gone"}, []string{"type Thing is new"}},
		"a type that comes": {`"Item":{`, `"Thing":{},"Item":{`, nil, []string{"type Thing is new"}},
	} {
		t.Run(name, func(t *testing.T) {
			require.Contains(t, base, c.old)
			changed := strings.Replace(base, c.old, c.new, 1)
			difference := schemagen.Compare(decode(t, []byte(base)), decode(t, []byte(changed)))
			assert.Equal(t, c.breaks, difference.Breaks)
			assert.Equal(t, c.additions, difference.Additions)
		})
	}
}
