package main

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/zap"

	"github.com/varnish-gateway/gateway/operator/internal/gather"
)

func TestTheOperatorWaitsForTheAPIServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked, started := 0, time.Now()
		got := await(t.Context(), func() (gather.Installed, error) {
			if asked++; asked < 7 {
				return gather.Installed{}, errors.New("connection refused")
			}
			return gather.Installed{Kinds: []gather.InstalledKind{{Resource: "referencegrants", Version: "v1"}}}, nil
		}, zap.NewNop())
		assert.Equal(t, "v1", got.Kinds[0].Version)
		assert.Equal(t, (1+2+4+8+10+10)*time.Second, time.Since(started))
	})
}

func TestWaitingForTheAPIServerEndsWithTheOperator(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	assert.Zero(t, await(ctx, func() (gather.Installed, error) {
		cancel()
		return gather.Installed{}, errors.New("connection refused")
	}, zap.NewNop()))
}

func TestAnOperatorThatWaitsLivesAndIsNotReady(t *testing.T) {
	const address = "127.0.31.40:8081"
	stop, err := serveWaiting(address)
	require.NoError(t, err)
	for path, want := range map[string]int{"/healthz": 200, "/readyz": 503} {
		response, err := http.Get("http://" + address + path)
		require.NoError(t, err)
		response.Body.Close()
		assert.Equal(t, want, response.StatusCode, path)
	}
	_, err = serveWaiting(address)
	require.ErrorContains(t, err, "--health-address")
	stop()
	stop, err = serveWaiting(address)
	require.NoError(t, err, "the address is free again")
	stop()
	stop, err = serveWaiting("0")
	require.NoError(t, err)
	stop()
}
