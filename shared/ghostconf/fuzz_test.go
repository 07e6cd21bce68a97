package ghostconf_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/corpus"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// Whatever can be decoded can be validated, and what is written of it is read back the same.
func FuzzDecode(f *testing.F) {
	valid, err := corpus.Valid("ghost")
	require.NoError(f, err)
	for _, file := range valid {
		f.Add(file.Data)
	}
	invalid, err := corpus.InvalidFiles("ghost")
	require.NoError(f, err)
	for _, file := range invalid {
		f.Add(file.Data())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := ghostconf.Decode(data)
		if err != nil {
			return
		}
		for _, problem := range ghostconf.Validate(config, nil) {
			require.NotEmpty(t, problem.Path)
		}
		once, err := ghostconf.Encode(config)
		require.NoError(t, err)
		again, err := ghostconf.DecodeStrict(once)
		require.NoError(t, err)
		twice, err := ghostconf.Encode(again)
		require.NoError(t, err)
		require.Equal(t, string(once), string(twice))
	})
}
