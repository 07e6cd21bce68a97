package vcl

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	clocktesting "k8s.io/utils/clock/testing"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
)

func TestACompilerThatDoesNotEndIsEndedAndVarnishdServesOn(t *testing.T) {
	files, err := OpenFiles(t.TempDir())
	require.NoError(t, err)
	cli, ctx, loader := connect(t, files), t.Context(), NewLoader(files, nil)
	one, two := main(1, varnishtest.Synthetic("one")), main(2, varnishtest.Synthetic("two"))
	_, err = loader.Load(ctx, cli, one)
	require.NoError(t, err)
	before, err := cli.Pids(ctx)
	require.NoError(t, err)
	compiler, err := cli.ShowParam(ctx, "cc_command")
	require.NoError(t, err)

	require.NoError(t, cli.SetParam(ctx, "cc_command", "exec sleep 600"))
	loader.within = 300 * time.Millisecond
	result, err := loader.Load(ctx, cli, two)
	require.NoError(t, err)
	assert.Equal(t, "the VCL takes too long to compile: it had 300ms", result.Message)
	assert.True(t, result.TooLong)
	assert.True(t, result.Retry)
	assert.Equal(t, nameOf(t, one), result.Active.Name)
	after, err := cli.Pids(ctx)
	require.NoError(t, err, "the connection is as good as before")
	assert.Equal(t, before, after, "nothing was restarted")
	left, err := descendants(after.Master)
	require.NoError(t, err)
	assert.Equal(t, map[int]bool{after.Worker: true}, left, "no compiler is left")

	require.NoError(t, cli.SetParam(ctx, "cc_command", compiler))
	loader.within = varnishtest.Deadline
	loader.Forget()
	result, err = loader.Load(ctx, cli, two)
	require.NoError(t, err)
	assert.True(t, result.TooLong, "a new varnishd does not begin with what took too long")
	assert.Equal(t, nameOf(t, one), result.Active.Name)
	loader.ForgetHarmless()
	result, err = loader.Load(ctx, cli, two)
	require.NoError(t, err)
	assert.Empty(t, result.Message)
	assert.False(t, result.TooLong)
	assert.Equal(t, nameOf(t, two), result.Active.Name)
}

func TestWhatTakesTooLongIsTriedSeldom(t *testing.T) {
	clock := clocktesting.NewFakeClock(time.Now())
	m := NewManager(NewLoader(nil, nil), clock, Observers{})
	m.schedule(Result{Active: Program{Name: "main-1"}, Retry: true, TooLong: true}, nil, true)
	require.True(t, clock.HasWaiters())
	clock.Step(tooLongRetryAfter - 1)
	assert.True(t, clock.HasWaiters(), "not before")
	clock.Step(1)
	assert.False(t, clock.HasWaiters())
}
