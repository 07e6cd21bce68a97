package vcl

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
)

// What VCL does as it is loaded would take the child down, and with it the cache and all connections.
func TestVCLThatWouldTakeTheChildDownIsRefusedByATrial(t *testing.T) {
	tests := map[string]struct {
		init, message string
		tooLong       bool
	}{
		"what does not end": {"vtc.sleep(10m);", "a trial of the VCL did not end: what runs as it is loaded, such as vcl_init, had 2s", true},
		"what panics":       {`vtc.panic("of vcl_init");`, "of vcl_init", false},
		// Varnish itself refuses this one, in the child that serves.
		"what says no": {"return (fail);", "Failed initialization", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			files, err := OpenFiles(t.TempDir())
			require.NoError(t, err)
			trial := &Trial{Varnishd: varnishtest.Varnishd(t), Dir: varnishtest.Dir(t), Within: 2 * time.Second}
			cli, ctx, loader := connect(t, files), t.Context(), NewLoader(files, trial)
			one := main(1, varnishtest.Synthetic("one"))
			_, err = loader.Load(ctx, cli, one)
			require.NoError(t, err)
			before, err := cli.Pids(ctx)
			require.NoError(t, err)

			result, err := loader.Load(ctx, cli, main(2, varnishtest.Synthetic("two")+"import vtc;\nsub vcl_init { "+test.init+" }\n"))
			require.NoError(t, err)
			assert.Contains(t, result.Message, test.message)
			assert.True(t, result.Retry, "it may work later")
			assert.Equal(t, test.tooLong, result.TooLong)
			assert.Equal(t, nameOf(t, one), result.Active.Name)

			three := main(3, varnishtest.Synthetic("three")+"import vtc;\nsub vcl_init { vtc.sleep(1ms); }\n")
			result, err = loader.Load(ctx, cli, three)
			require.NoError(t, err)
			assert.Empty(t, result.Message)
			assert.Equal(t, nameOf(t, three), result.Active.Name)
			after, err := cli.Pids(ctx)
			require.NoError(t, err)
			assert.Equal(t, before, after, "nothing was restarted")
			left, err := descendants(after.Master)
			require.NoError(t, err)
			assert.Equal(t, map[int]bool{after.Worker: true}, left)
			entries, err := os.ReadDir(trial.Dir)
			require.NoError(t, err)
			assert.Empty(t, entries, "nothing is left of a trial")
		})
	}
}

func TestATrialEndsCompilersThatDoNotEnd(t *testing.T) {
	files, err := OpenFiles(t.TempDir())
	require.NoError(t, err)
	trial := &Trial{Varnishd: varnishtest.Varnishd(t), Dir: varnishtest.Dir(t), Within: varnishtest.Deadline}
	trial.Wrap = func(program string, args []string) (string, []string) {
		return program, append(args, "-p", "cc_command=exec sleep 600")
	}
	program, err := Parse(main(1, varnishtest.Synthetic("one")))
	require.NoError(t, err)
	file, err := files.Put(program)
	require.NoError(t, err)
	rejected, err := trial.run(t.Context(), files.Dir(), file, 300*time.Millisecond)
	require.NoError(t, err)
	assert.Equal(t, &rejection{message: "the VCL takes too long to compile: it had 300ms", harmless: true, tooLong: true}, rejected)
	left, err := descendants(os.Getpid())
	require.NoError(t, err)
	assert.Empty(t, left)
}

func TestWhatIsTriedFirst(t *testing.T) {
	for source, want := range map[string]bool{
		"vcl 4.1;\nbackend a none;\n":                         false,
		"vcl 4.1;\nimport ghost;\nbackend gateway_none none;": false,
		"vcl 4.1;\nimport ghost;\nimport std;\n":              true,
		"vcl 4.1;\nimport\n\tredis from \"/a.so\";\n":         true,
	} {
		assert.Equal(t, want, runsForeignCode([]byte(source)), source)
	}
}

func TestVCLIsLoadedWhereItCannotBeTried(t *testing.T) {
	files, err := OpenFiles(t.TempDir())
	require.NoError(t, err)
	cli, ctx, loader := connect(t, files), t.Context(), NewLoader(files, &Trial{Varnishd: "/nonexistent", Dir: varnishtest.Dir(t), Within: time.Second})
	for i, source := range []string{varnishtest.Synthetic("one"), varnishtest.Synthetic("two") + "import vtc;\nsub vcl_init { vtc.sleep(1ms); }\n"} {
		result, err := loader.Load(ctx, cli, main(i+1, source))
		require.NoError(t, err)
		assert.Empty(t, result.Message)
	}
}

// A child loads every VCL that varnishd has: one that has failed must not keep others from being started.
func TestVCLThatFailsAtTheStartKeepsNoOtherFromStarting(t *testing.T) {
	for _, init := range []string{"return (fail);", `vtc.panic("of vcl_init");`} {
		files, err := OpenFiles(t.TempDir())
		require.NoError(t, err)
		cli, ctx, loader := connect(t, files), t.Context(), NewLoader(files, nil)
		result, err := loader.Load(ctx, cli, main(1, varnishtest.Synthetic("one")+"import vtc;\nsub vcl_init { "+init+" }\n"))
		require.NoError(t, err)
		assert.Contains(t, result.Message, "varnishd's child does not start with it")
		two := main(2, varnishtest.Synthetic("two"))
		result, err = loader.Load(ctx, cli, two)
		require.NoError(t, err)
		assert.Empty(t, result.Message)
		assert.Equal(t, nameOf(t, two), result.Active.Name)
	}
}
