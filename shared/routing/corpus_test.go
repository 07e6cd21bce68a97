package routing_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/corpus"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func TestValidFilesOfTheCorpusHaveNoProblem(t *testing.T) {
	files, err := corpus.Valid("routing")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(file.Name, func(t *testing.T) {
			config, err := routing.Decode(file.Data)
			require.NoError(t, err)
			assert.Empty(t, routing.Validate(config, nil))
		})
	}
}

func TestInvalidFilesOfTheCorpusAreRefusedOrReported(t *testing.T) {
	files, err := corpus.InvalidFiles("routing")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(file.Name, func(t *testing.T) {
			config, err := routing.Decode(file.Data())
			if file.Expect.Refused {
				assert.Error(t, err, file.Description)
				assert.Empty(t, file.Expect.Problems)
				return
			}
			require.NoError(t, err, file.Description)
			require.NotEmpty(t, file.Expect.Problems, "a case without problems is not invalid")
			paths := []string{}
			for _, problem := range routing.Validate(config, nil) {
				assert.NotEmpty(t, problem.Message)
				paths = append(paths, problem.Path)
			}
			assert.ElementsMatch(t, file.Expect.Problems, paths, file.Description)
		})
	}
}
