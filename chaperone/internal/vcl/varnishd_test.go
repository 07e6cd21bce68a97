package vcl

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/supervise"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/chaperone/internal/varnishtest"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

func TestCheck(t *testing.T) {
	checker := NewChecker(varnishtest.Varnishd(t), "", t.TempDir(), varnishtest.Deadline)
	tests := map[string]struct {
		source string
		want   []string
	}{
		"VCL that compiles":         {source: varnishtest.Synthetic("hello")},
		"VCL that does not compile": {source: "vcl 4.1;\nbackend default none;\nsub vcl_recv { retrn (pass); }\n", want: []string{"'retrn'", "('main.vcl' Line 3 Pos 16)"}},
		"a user's VCL": {
			source: string(mainWith(1, mainvcl.Source{Name: "class", Text: "# one\nsub vcl_recv { retrn (pass); }"})), want: []string{
				"Symbol not found: 'retrn'\nAt: ('class' Line 2 Pos 16) -- (Pos 20)\nsub vcl_recv { retrn (pass); }\n---------------#####---------",
			},
		},
		"nothing at all":           {source: "", want: []string{"No backends"}},
		"another major version":    {source: "// varnish-gateway main.vcl 2.0 sequence 1\n" + varnishtest.Synthetic("hello"), want: []string{"main.vcl has version 2.0.0"}},
		"a VMOD that is not there": {source: "vcl 4.1;\nimport nonsense;\nbackend default none;\n", want: []string{"nonsense"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			message, err := checker.Check(t.Context(), []byte(test.source))
			require.NoError(t, err)
			if test.want == nil {
				assert.Empty(t, message)
			}
			for _, text := range test.want {
				assert.Contains(t, message, text)
			}
			left, err := filepath.Glob(filepath.Join(checker.Dir, "*"))
			require.NoError(t, err)
			assert.Empty(t, left, "nothing is left of a check")
		})
	}
}

func TestAVarnishdThatIsNotThereChecksNothing(t *testing.T) {
	_, err := NewChecker("/nonexistent", "", t.TempDir(), time.Minute).Check(t.Context(), nil)
	assert.Error(t, err)
}

func TestVCLThatTakesTooLongToCompileIsTold(t *testing.T) {
	slow := filepath.Join(t.TempDir(), "varnishd")
	require.NoError(t, os.WriteFile(slow, []byte("#!/bin/sh\nexec sleep 600\n"), 0o700))
	_, err := NewChecker(slow, "", t.TempDir(), time.Millisecond).Check(t.Context(), nil)
	require.ErrorIs(t, err, ErrTooLong)
	assert.EqualError(t, err, "checking VCL: the VCL takes too long to compile: it had 1ms")
}

func TestACheckThatWaitsForItsTurnSaysNothingOfTheVCL(t *testing.T) {
	checker := NewChecker("/nonexistent", "", t.TempDir(), time.Millisecond)
	checker.turn <- struct{}{}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := checker.Check(ctx, nil)
	require.ErrorContains(t, err, "waiting to check VCL")
	assert.NotErrorIs(t, err, ErrTooLong)
}

func TestACheckThatTakesTooLongLeavesNoCompiler(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "pid")
	// A varnishd whose compiler does not end.
	slow := filepath.Join(dir, "varnishd")
	require.NoError(t, os.WriteFile(slow, fmt.Appendf(nil, "#!/bin/sh\nsleep 600 &\necho $! > %[1]s.new\nmv %[1]s.new %[1]s\nwait\n", file), 0o700))
	ctx, cancel := context.WithCancel(t.Context())
	checked := make(chan error, 1)
	go func() {
		_, err := NewChecker(slow, "", t.TempDir(), time.Hour).Check(ctx, nil)
		checked <- err
	}()
	varnishtest.Eventually(t, "the compiler runs", func() bool { _, err := os.Stat(file); return err == nil })
	cancel()
	require.ErrorIs(t, <-checked, context.Canceled)
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	varnishtest.Eventually(t, "the compiler has ended", func() bool {
		stat, err := os.ReadFile("/proc/" + strings.TrimSpace(string(text)) + "/stat")
		return err != nil || strings.Contains(string(stat), ") Z ")
	})
}

// connect starts varnishd without VCL, and gives its CLI.
func connect(t *testing.T, files *Files) *varnishcli.Client {
	dir := varnishtest.Dir(t)
	secret := filepath.Join(dir, "secret")
	listener, err := supervise.Listen(secret)
	require.NoError(t, err)
	options := supervise.Options{
		WorkDir: filepath.Join(dir, "varnish"), SecretFile: secret, VCLPath: files.Dir(),
		Sockets: []string{"a=" + filepath.Join(dir, "a.sock")},
	}
	process, err := supervise.Start(varnishtest.Varnishd(t), options.Arguments(listener.Address()), nil, func(string) {})
	require.NoError(t, err)
	t.Cleanup(func() {
		process.Signal(15)
		<-process.Done()
		listener.Close()
	})
	ctx, cancel := context.WithTimeout(t.Context(), varnishtest.Deadline)
	defer cancel()
	cli, err := listener.Accept(ctx, process.Pid())
	require.NoError(t, err)
	t.Cleanup(func() { cli.Close() })
	return cli
}

func TestTheRealVarnishdRunsTheNewestThatWorks(t *testing.T) {
	files, err := OpenFiles(t.TempDir())
	require.NoError(t, err)
	cli, loader := connect(t, files), NewLoader(files, nil)
	one := main(1, varnishtest.Synthetic("one"))
	result, err := loader.Load(t.Context(), cli, one)
	require.NoError(t, err)
	assert.Empty(t, result.Message)

	result, err = loader.Load(t.Context(), cli, main(2, "vcl 4.1;\nnonsense"))
	require.NoError(t, err)
	assert.Contains(t, result.Message, "('main.vcl' Line 3 Pos 1)")
	assert.Equal(t, nameOf(t, one), result.Active.Name)

	class := mainvcl.Source{Name: "class", Text: "backend a none;"}
	own := mainvcl.Source{Name: "own", Text: "# comment\nbackend a none;"}
	result, err = loader.Load(t.Context(), cli, mainWith(2, class, own))
	require.NoError(t, err)
	assert.Contains(t, result.Message, "('own' Line 2 Pos 9)\nbackend a none;\n--------#------")
	assert.Contains(t, result.Message, "('class' Line 1 Pos 9)\nbackend a none;\n--------#------", "of two places, both are the user's")

	two := main(3, varnishtest.Synthetic("two"))
	result, err = loader.Load(t.Context(), cli, two)
	require.NoError(t, err)
	assert.Empty(t, result.Message)
	list, err := cli.ListVCL(t.Context())
	require.NoError(t, err)
	var names []string
	for _, vcl := range list {
		if vcl.Status != "discarded" {
			names = append(names, vcl.Name)
		}
	}
	assert.Equal(t, []string{nameOf(t, two)}, names, "the older one was discarded")
	running, err := cli.Running(t.Context())
	require.NoError(t, err)
	assert.True(t, running)
}

// Commands that no other test needs are held to the real varnishd here.
func TestCommands(t *testing.T) {
	files, err := OpenFiles(t.TempDir())
	require.NoError(t, err)
	cli, ctx := connect(t, files), t.Context()
	require.NoError(t, cli.Ping(ctx))
	require.NoError(t, cli.SetParam(ctx, "timeout_idle", "7"))
	value, err := cli.ShowParam(ctx, "timeout_idle")
	require.NoError(t, err)
	assert.True(t, strings.HasPrefix(value, "7"), value)
	text, err := cli.Panic(ctx)
	require.NoError(t, err)
	assert.Empty(t, text)
	_, err = NewLoader(files, nil).Load(ctx, cli, main(1, varnishtest.Synthetic("one")))
	require.NoError(t, err)
	backends, err := cli.Backends(ctx, "*.*")
	require.NoError(t, err)
	assert.Contains(t, backends, "Backend")
	pids, err := cli.Pids(ctx)
	require.NoError(t, err)
	assert.NotZero(t, pids.Worker)
	require.NoError(t, cli.Stop(ctx))
	var refused *varnishcli.CommandError
	_, err = cli.Do(ctx, "nonsense")
	require.ErrorAs(t, err, &refused)
	assert.Equal(t, varnishcli.StatusUnknown, refused.Status)
}
