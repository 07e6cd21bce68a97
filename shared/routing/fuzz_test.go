package routing_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/corpus"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func seed(f *testing.F) {
	valid, err := corpus.Valid("routing")
	require.NoError(f, err)
	for _, file := range valid {
		f.Add(file.Data)
	}
	invalid, err := corpus.InvalidFiles("routing")
	require.NoError(f, err)
	for _, file := range invalid {
		f.Add(file.Data())
	}
}

// Whatever can be decoded can be validated, and what is written of it is read back the same.
func FuzzDecode(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := routing.Decode(data)
		if err != nil {
			return
		}
		problems := routing.Validate(config, nil)
		once, err := routing.Encode(config)
		require.NoError(t, err)
		again, err := routing.DecodeStrict(once)
		require.NoError(t, err)
		twice, err := routing.Encode(again)
		require.NoError(t, err)
		require.Equal(t, string(once), string(twice))
		require.Equal(t, len(problems) == 0, len(routing.Validate(again, nil)) == 0, "order and form do not decide whether a file is sound")
		next, changed, err := routing.Next(data, config)
		require.NoError(t, err)
		if _, changedAgain, _ := routing.Next(next, config); changed {
			require.False(t, changedAgain, "what was just written is not written again")
		}
	})
}

// Whatever is split is joined to the same content; shards of somebody else are an error, never a panic.
func FuzzJoin(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		config, err := routing.Decode(data)
		if err != nil {
			return
		}
		if _, err := routing.Join(config, map[string][]byte{"00": data, "31": nil}); err != nil {
			require.NotEmpty(t, config.Shards)
		}
		config.Shards = nil
		head, shards, err := routing.Split(config, always)
		require.NoError(t, err)
		whole, err := routing.Join(head, shards)
		require.NoError(t, err)
		want, err := routing.Encode(config)
		require.NoError(t, err)
		got, err := routing.Encode(whole)
		require.NoError(t, err)
		require.Equal(t, string(want), string(got))
	})
}

// What a path is brought to has nothing left that leads upwards, and is never longer than the path.
func FuzzNormalizePath(f *testing.F) {
	for _, path := range []string{"/", "/a/../b", "/%2e%2e/", "/%61;/%2F//.", "/.."} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) {
		normalized, ok := routing.NormalizePath(path)
		if !ok {
			return
		}
		require.LessOrEqual(t, len(normalized), len(path))
		segments := strings.Split(normalized, "/")
		require.Empty(t, segments[0], "it begins with a slash")
		require.NotContains(t, segments, ".")
		require.NotContains(t, segments, "..")
	})
}
