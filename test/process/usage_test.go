package process

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestAnOpenFileIsOneDescriptorMore(t *testing.T) {
	before, err := Use(os.Getpid())
	require.NoError(t, err)
	file, err := os.Open(os.DevNull)
	require.NoError(t, err)
	after, err := Use(os.Getpid())
	require.NoError(t, err)
	assert.Equal(t, before.Descriptors+1, after.Descriptors)
	require.NoError(t, file.Close())
	assert.Positive(t, after.Memory)
	assert.Positive(t, after.Threads)
}

func TestAProcessThatIsNotThereIsAnError(t *testing.T) {
	_, err := Use(-1)
	assert.Error(t, err)
}
