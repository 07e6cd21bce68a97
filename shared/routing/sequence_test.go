package routing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestTheSequenceGrowsOnlyWithTheContent(t *testing.T) {
	content := configOf(3)
	first, changed, err := routing.Next(nil, content)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, int64(1), sequenceOf(t, first))

	content.Sequence = 99
	same, changed, err := routing.Next(first, content)
	require.NoError(t, err)
	assert.False(t, changed, "the content's own sequence does not matter")
	assert.Equal(t, first, same)

	content.Routes[1].Rules[0].Backends[0].Weight = 2
	second, changed, err := routing.Next(first, content)
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, int64(2), sequenceOf(t, second))
}

func TestTheSequenceGoesOnBehindAFileOfAnotherMajor(t *testing.T) {
	data, changed, err := routing.Next([]byte(`{"version":"2.1.0","sequence":41,"routes":{}}`), configOf(1))
	require.NoError(t, err)
	assert.True(t, changed)
	assert.Equal(t, int64(42), sequenceOf(t, data))
}

func sequenceOf(t *testing.T, data []byte) int64 {
	config, err := routing.Decode(data)
	require.NoError(t, err)
	return config.Sequence
}
