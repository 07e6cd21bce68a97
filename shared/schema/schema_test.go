package schema_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/corpus"
	"github.com/varnish-gateway/gateway/shared/routing"
	"github.com/varnish-gateway/gateway/shared/schema"
)

// schemas by the name of their folder in the corpus.
var schemas = map[string]func() []byte{"routing": schema.Routing, "shard": schema.Shard, "ghost": schema.Ghost, "status": schema.Status}

func TestValidFilesValidate(t *testing.T) {
	for _, name := range []string{"routing", "ghost"} {
		compiled := compile(t, name)
		files, err := corpus.Valid(name)
		require.NoError(t, err)
		for _, file := range files {
			t.Run(file.Name, func(t *testing.T) {
				assert.NoError(t, compiled.Validate(parse(t, file.Data)))
			})
		}
	}
}

func TestEncodedShardsValidate(t *testing.T) {
	files, err := corpus.Valid("routing")
	require.NoError(t, err)
	compiled := compile(t, "shard")
	for _, file := range files {
		config, err := routing.Decode(file.Data)
		require.NoError(t, err)
		if len(config.Shards) > 0 {
			continue
		}
		_, shards, err := routing.Split(config, 0)
		require.NoError(t, err)
		for _, data := range shards {
			assert.NoError(t, compiled.Validate(parse(t, data)), file.Name)
		}
	}
}

func TestAStatusValidates(t *testing.T) {
	compiled := compile(t, "status")
	status := adminapi.Status{
		Revision: 1, Sockets: []string{"http-80"}, Varnishd: adminapi.Varnishd{State: adminapi.VarnishdRunning},
		Routing: adminapi.Routing{Diagnostics: []contract.Diagnostic{{Path: "routes[0]", Message: "odd"}}},
		VCL:     adminapi.VCL{LeftOut: []string{}}, Certificates: adminapi.Certificates{Problems: []adminapi.Problem{{Name: "a", Message: "no"}}},
	}
	for _, fallback := range append([]adminapi.Fallback{adminapi.FallbackNone}, adminapi.Fallbacks...) {
		status.VCL.Fallback = fallback
		data, err := json.Marshal(status)
		require.NoError(t, err)
		assert.NoError(t, compiled.Validate(parse(t, data)), fallback)
	}
	status.VCL.Fallback = "other"
	data, err := json.Marshal(status)
	require.NoError(t, err)
	assert.Error(t, compiled.Validate(parse(t, data)))
}

// beyond are the invalid cases that a schema cannot tell, with the reason; it finds all others.
var beyond = map[string]string{
	"routing/invalid/trusted-hops":               "what is a network takes a parser",
	"routing/invalid/listener-certificates":      "the names are checked as file names",
	"routing/invalid/needs":                      "features are open",
	"routing/invalid/repeated-member":            "a parsed object has a member once",
	"ghost/invalid/trusted-hops":                 "what is a network takes a parser",
	"ghost/invalid/listener-hostname":            "hostnames have limits in labels and as a whole",
	"ghost/invalid/listener-same-hostname":       "it takes two records",
	"ghost/invalid/needs":                        "features are open",
	"ghost/invalid/attachments":                  "it takes two records",
	"ghost/invalid/match-method":                 "tokens are checked by the readers",
	"ghost/invalid/filter-own-headers":           "names are compared without regard to case",
	"ghost/invalid/filter-prefix-without-prefix": "it takes two records",
	"ghost/invalid/regex-that-does-not-compile":  "what is a regular expression takes a parser",
	"ghost/invalid/repeated-member":              "a parsed object has a member once",
}

func TestInvalidFilesDoNotValidate(t *testing.T) {
	for _, name := range []string{"routing", "ghost"} {
		compiled := compile(t, name)
		files, err := corpus.InvalidFiles(name)
		require.NoError(t, err)
		for _, file := range files {
			t.Run(file.Name, func(t *testing.T) {
				value, err := jsonschema.UnmarshalJSON(bytes.NewReader(file.Data()))
				if err != nil {
					assert.True(t, file.Expect.Refused, "what is no JSON is refused")
					return
				}
				err = compiled.Validate(value)
				if reason, ok := beyond[file.Name]; ok {
					assert.NoError(t, err, "the schema finds it after all, though %s: take it off the list", reason)
					return
				}
				assert.Error(t, err, file.Description)
			})
		}
	}
}

func TestTheListOfWhatIsBeyondASchemaNamesCases(t *testing.T) {
	var names []string
	for _, name := range []string{"routing", "ghost"} {
		files, err := corpus.InvalidFiles(name)
		require.NoError(t, err)
		for _, file := range files {
			names = append(names, file.Name)
		}
	}
	assert.Subset(t, names, slices.Collect(maps.Keys(beyond)))
}

func compile(t *testing.T, name string) *jsonschema.Schema {
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource(name, parse(t, schemas[name]())))
	compiled, err := compiler.Compile(name)
	require.NoError(t, err)
	return compiled
}

func parse(t *testing.T, data []byte) any {
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(data))
	require.NoError(t, err)
	return value
}

func TestAReaderCannotChangeTheSchemaOfOthers(t *testing.T) {
	for name, schema := range schemas {
		t.Run(name, func(t *testing.T) {
			schema()[0] = 'x'
			assert.Equal(t, byte('{'), schema()[0])
		})
	}
}
