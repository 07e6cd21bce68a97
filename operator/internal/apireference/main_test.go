package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const types = "../../api/v1alpha1"

func TestTheReferencePageSaysWhatTheTypesSay(t *testing.T) {
	fresh := filepath.Join(t.TempDir(), "api.md")
	require.NoError(t, run(types, fresh))
	assert.Equal(t, content(t, filepath.Join(types, pageFromTypes)), content(t, fresh), "run: go generate ./api/...")
}

func TestEveryTypeAndFieldIsExplained(t *testing.T) {
	read, err := readTypes(types)
	require.NoError(t, err)
	for _, each := range read {
		assert.NotEmpty(t, each.doc, each.name)
		for _, f := range each.fields {
			if f.typ.pkg != "" {
				assert.Contains(t, foreign, f.typ.pkg, "%s.%s", each.name, f.name)
			}
			if f.name != "items" {
				assert.NotEmpty(t, f.doc+inlined(f), "%s.%s", each.name, f.name)
			}
		}
	}
}

// inlined is the type whose own words stand for a field without a name.
func inlined(f apiField) string {
	if f.name != "" {
		return ""
	}
	return f.typ.name
}

func TestMarkersBecomeWords(t *testing.T) {
	m := markers{
		"optional", "kubebuilder:default=Off", "kubebuilder:validation:Maximum=65535", "kubebuilder:validation:Enum=Off;V2",
		`kubebuilder:validation:XValidation:message="must be \"so\"",rule="self == 'so'"`,
	}
	assert.True(t, m.has("optional"))
	assert.False(t, m.has("required"))
	assert.Equal(t, []string{"Off", "V2"}, m.words())
	assert.Equal(t, []string{"one of `Off`, `V2`", "at most 65535", `must be "so"`}, m.limits())
}

func content(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}
