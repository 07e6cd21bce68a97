package featuretest

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const example = `# What it is about.
# show: status, vcl
# === first
kind: A
metadata:
  name: a
# --- gives
one
# === second
# delete: A a
# --- gives
two
`

func TestACaseIsReadAndWrittenBackUnchanged(t *testing.T) {
	c, err := ParseCase(example)
	require.NoError(t, err)
	assert.Equal(t, example, c.Format())
	assert.Equal(t, map[string]bool{"status": true, "vcl": true}, c.Show)
	require.Len(t, c.Steps, 2)
	assert.Equal(t, "first", c.Steps[0].Name)
	assert.Equal(t, "one", c.Steps[0].Want)
	assert.Equal(t, []string{"A a"}, c.Steps[1].Delete)
}

func TestLaterStepsStandOnEarlierOnes(t *testing.T) {
	c, err := ParseCase(example)
	require.NoError(t, err)
	state := objects{}
	require.NoError(t, state.apply(c.Steps[0]))
	assert.Len(t, state, 1)
	require.NoError(t, state.apply(c.Steps[1]))
	assert.Empty(t, state)
	assert.ErrorContains(t, state.apply(c.Steps[1]), "not there")
}

func TestLongNamesAreMarkedAndWrittenOut(t *testing.T) {
	assert.Len(t, expand("{{long 253}}"), 253)
	assert.Equal(t, "a {{long 60}} b", contract(expand("a {{long 60}} b")))
}

func TestAFileWithoutStepsIsRefused(t *testing.T) {
	_, err := ParseCase("kind: A\n")
	assert.Error(t, err)
}
