package routing_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/shared/routing"
)

const many = 10_000

func BenchmarkSplit10000Routes(b *testing.B) {
	content := configOf(many)
	for b.Loop() {
		_, shards, err := routing.Split(content, routing.PlainLimit)
		require.NoError(b, err)
		require.NotEmpty(b, shards)
	}
}

func BenchmarkJoin10000Routes(b *testing.B) {
	head, shards, err := routing.Split(configOf(many), routing.PlainLimit)
	require.NoError(b, err)
	for b.Loop() {
		_, err := routing.Join(head, shards)
		require.NoError(b, err)
	}
}

func BenchmarkValidate10000Routes(b *testing.B) {
	content := configOf(many)
	for b.Loop() {
		require.Empty(b, routing.Validate(content, nil))
	}
}
