package schema_test

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/corpus"
	"github.com/varnish-gateway/gateway/shared/routing"
	"github.com/varnish-gateway/gateway/shared/schema"
)

const generate = "run `go generate ./...` in shared, and commit what it changes"

func TestCheckedInSchemasAreThoseOfTheTypes(t *testing.T) {
	for _, contract := range schema.Contracts() {
		t.Run(contract.Name, func(t *testing.T) {
			want, err := contract.JSON()
			require.NoError(t, err)
			got, err := os.ReadFile(contract.FileName())
			require.NoError(t, err)
			assert.Equal(t, string(want), string(got), generate)
		})
	}
}

func TestReferencePagesHaveTheFieldsOfTheTypes(t *testing.T) {
	for _, contract := range schema.Contracts() {
		t.Run(contract.Name, func(t *testing.T) {
			page, err := os.ReadFile(filepath.Join("../../docs/reference", contract.Page))
			require.NoError(t, err)
			want, err := contract.Fill(string(page))
			require.NoError(t, err)
			assert.Equal(t, want, string(page), generate)
			assert.Contains(t, string(page), "**"+contract.Version+"**", "the page names the version")
		})
	}
}

func TestAPageWithoutMarksIsAnError(t *testing.T) {
	contract := schema.Contracts()[0]
	_, err := contract.Fill("# routing.json\n")
	assert.ErrorContains(t, err, "routing.md has no mark")
	_, err = contract.Fill("<!-- begin fields of routing.json; generated from the Go types -->\n")
	assert.ErrorContains(t, err, "<!-- end fields of routing.json -->")
}

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
	contract := find(t, name)
	data, err := os.ReadFile(contract.FileName())
	require.NoError(t, err)
	compiler := jsonschema.NewCompiler()
	require.NoError(t, compiler.AddResource(contract.FileName(), parse(t, data)))
	compiled, err := compiler.Compile(contract.FileName())
	require.NoError(t, err)
	return compiled
}

func find(t *testing.T, name string) schema.Contract {
	contracts := schema.Contracts()
	index := slices.IndexFunc(contracts, func(c schema.Contract) bool { return c.Name == name })
	require.GreaterOrEqual(t, index, 0)
	return contracts[index]
}

func parse(t *testing.T, data []byte) any {
	value, err := jsonschema.UnmarshalJSON(strings.NewReader(string(data)))
	require.NoError(t, err)
	return value
}
