package vcl

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// fakeVarnishd compiles whatever does not contain the word "broken", nor "flaky" while flaky is set, and starts
// its child unless the active VCL contains the word "crash" or childless is set. VCL with the word "fatal" ends
// the child.
type fakeVarnishd struct {
	mu       sync.Mutex
	dir      string
	vcls     []varnishcli.VCL
	sources  map[string]string
	running  bool
	compiled []string
	gone     bool
	flaky    bool
	// childless says that no child can be started.
	childless bool
}

func (v *fakeVarnishd) set(change func()) {
	v.mu.Lock()
	defer v.mu.Unlock()
	change()
}

// compilations counts attempts to compile.
func (v *fakeVarnishd) compilations() int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.compiled)
}

func newFakeVarnishd(dir string) *fakeVarnishd {
	return &fakeVarnishd{dir: dir, sources: map[string]string{}}
}

var errGone = errors.New("connection reset by peer")

func refused(command, text string) error {
	return &varnishcli.CommandError{Command: command, Response: varnishcli.Response{Status: varnishcli.StatusParam, Body: text}}
}

func (v *fakeVarnishd) LoadVCL(_ context.Context, name, path string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gone {
		return errGone
	}
	source, err := os.ReadFile(filepath.Join(v.dir, path))
	if err != nil {
		return refused("vcl.load", err.Error())
	}
	v.compiled = append(v.compiled, name)
	if strings.Contains(string(source), "broken") {
		return refused("vcl.load", fmt.Sprintf("Expected ';'\n('%s' Line 2 Pos 1)\n", filepath.Join(v.dir, path)))
	}
	if v.flaky && strings.Contains(string(source), "flaky") {
		return refused("vcl.load", "Backend host \"auth.svc\" could not be resolved")
	}
	if v.running && strings.Contains(string(source), "fatal") {
		return &varnishcli.CommandError{Command: "vcl.load", Response: varnishcli.Response{Status: varnishcli.StatusComms, Body: "CLI communication error"}}
	}
	v.sources[name] = string(source)
	v.vcls = append(v.vcls, varnishcli.VCL{Name: name, Status: "available"})
	return nil
}

// Pids are of nobody: there is no process whose compilers could be ended.
func (v *fakeVarnishd) Pids(context.Context) (varnishcli.Pids, error) { return varnishcli.Pids{}, nil }

func (v *fakeVarnishd) UseVCL(_ context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	for i := range v.vcls {
		v.vcls[i].Status = "available"
		if v.vcls[i].Name == name {
			v.vcls[i].Status = "active"
		}
	}
	return nil
}

func (v *fakeVarnishd) DiscardVCL(_ context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.vcls = slices.DeleteFunc(v.vcls, func(vcl varnishcli.VCL) bool { return vcl.Name == name })
	return nil
}

func (v *fakeVarnishd) ListVCL(context.Context) ([]varnishcli.VCL, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.gone {
		return nil, errGone
	}
	return slices.Clone(v.vcls), nil
}

func (v *fakeVarnishd) Running(context.Context) (bool, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.running, nil
}

func (v *fakeVarnishd) Start(context.Context) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.childless || strings.Contains(v.sources[v.active()], "crash") {
		return refused("start", "Child failed")
	}
	v.running = true
	return nil
}

func (v *fakeVarnishd) active() string {
	for _, vcl := range v.vcls {
		if vcl.Status == "active" {
			return vcl.Name
		}
	}
	return ""
}

func main(sequence int, body string) []byte {
	return fmt.Appendf(nil, "// varnish-gateway main.vcl %s sequence %d\n%s\n", mainvcl.Version, sequence, body)
}

// older is a main.vcl of an operator that knew version 1.0, which does not say what users wrote.
func older(sequence int, body string) []byte {
	return fmt.Appendf(nil, "// varnish-gateway main.vcl 1.0 sequence %d\n%s\n", sequence, body)
}

func nameOf(t *testing.T, source []byte) string {
	program, err := Parse(source)
	require.NoError(t, err)
	return program.Name
}

// composed is a main.vcl of users' VCL: that of a class, which must hold, and that of a Gateway, which may be left out.
func composed(sequence int, class, own string) []byte {
	return mainWith(sequence,
		mainvcl.Source{Name: "class", Text: class, FailureMode: mainvcl.FailClosed},
		mainvcl.Source{Name: "own", Text: own, FailureMode: mainvcl.FailOpen})
}

func mainWith(sequence int, sources ...mainvcl.Source) []byte {
	return mainInDoor(mainvcl.PassDoorFetch, sequence, sources...)
}

func mainInDoor(door mainvcl.PassDoor, sequence int, sources ...mainvcl.Source) []byte {
	body := mainvcl.Compose("vcl 4.1;\n", slices.DeleteFunc(sources, func(s mainvcl.Source) bool { return s.Text == "" }), "# end\n", door)
	return append([]byte(mainvcl.Header{Version: mainvcl.Version, Sequence: int64(sequence)}.String()+"\n"), body...)
}

// A step gives a main.vcl to load, perhaps into a new varnishd, and says what runs afterwards.
type step struct {
	main    []byte
	restart bool
	// active is the main.vcl that runs, where it is one.
	active []byte
	// fallback is what runs otherwise.
	fallback adminapi.Fallback
	// without are the parts that are left out.
	without []string
	message string
	// compiles counts the compilations of this step.
	compiles int
}

func TestLoad(t *testing.T) {
	const partial, open, closed = adminapi.FallbackPartial, adminapi.FallbackOpen, adminapi.FallbackClosed
	one, two, broken, crash := main(1, "one"), main(2, "two"), main(3, "broken"), main(4, "crash")
	newer := []byte("// varnish-gateway main.vcl 2.0 sequence 5\n")
	tests := map[string][]step{
		"the first main.vcl is loaded": {{main: one, active: one, compiles: 1}},
		"a newer one takes its place":  {{main: one, active: one, compiles: 1}, {main: two, active: two, compiles: 1}},
		"the same one is not compiled again": {
			{main: one, active: one, compiles: 1}, {main: one, active: one},
		},
		"a broken one leaves the last good one, and is compiled once": {
			{main: one, active: one, compiles: 1},
			{main: broken, active: one, message: "('main.vcl' Line 2 Pos 1)", compiles: 1},
			{main: broken, active: one, message: "('main.vcl' Line 2 Pos 1)"},
		},
		"a broken one that is mended takes effect": {
			{main: one, active: one, compiles: 1},
			{main: broken, active: one, message: "Expected ';'", compiles: 1},
			{main: two, active: two, compiles: 1},
		},
		"a new varnishd gets the last good one when main.vcl is known to be broken": {
			{main: one, active: one, compiles: 1},
			{main: broken, active: one, message: "Expected ';'", compiles: 1},
			{main: broken, restart: true, active: one, message: "Expected ';'", compiles: 1},
		},
		"without main.vcl nobody knows what must hold": {{main: nil, fallback: closed, message: "there is no main.vcl", compiles: 1}},
		"without main.vcl the last good one stays": {
			{main: one, active: one, compiles: 1}, {main: nil, restart: true, active: one, message: "there is no main.vcl", compiles: 1},
		},
		"what is generated and does not compile is replaced":     {{main: broken, fallback: open, message: "Expected ';'", compiles: 2}},
		"what stands for it gives way to one that works":         {{main: broken, fallback: open, message: "Expected ';'", compiles: 2}, {main: one, active: one, compiles: 1}},
		"one with which the child does not start is rejected":    {{main: crash, fallback: open, message: "does not start with it: Child failed", compiles: 2}},
		"VCL that may be left out is left out":                   {{main: composed(1, "", "broken"), fallback: partial, without: []string{"own"}, message: "Expected ';'", compiles: 2}},
		"VCL that must hold holds":                               {{main: composed(1, "broken", ""), fallback: closed, message: "Expected ';'", compiles: 2}},
		"of two, the one that may be left out is left out":       {{main: composed(1, "class", "broken"), fallback: partial, without: []string{"own"}, message: "Expected ';'", compiles: 2}},
		"of two, the one that must hold holds":                   {{main: composed(1, "broken", "own"), fallback: closed, message: "Expected ';'", compiles: 3}},
		"two that do not compile hold":                           {{main: composed(1, "broken", "broken"), fallback: closed, message: "Expected ';'", compiles: 3}},
		"where even what is generated does not compile, it goes": {{main: append(composed(1, "", "own"), "broken"...), fallback: open, without: []string{"own"}, message: "Expected ';'", compiles: 3}},
		"of an older operator, nobody knows what must hold": {
			{main: older(1, "broken"), fallback: closed, message: "Expected ';'", compiles: 2},
			{main: older(2, "mended"), active: older(2, "mended"), compiles: 1},
		},
		"of an older operator, the last good one stays": {
			{main: older(1, "one"), active: older(1, "one"), compiles: 1},
			{main: older(2, "broken"), active: older(1, "one"), message: "Expected ';'", compiles: 1},
		},
		"of a newer operator, the parts are known": {
			{main: bytes.Replace(composed(1, "", "broken"), []byte("main.vcl "+mainvcl.Version), []byte("main.vcl 1.9"), 1),
				fallback: partial, without: []string{"own"}, message: "Expected ';'", compiles: 2},
		},
		"VCL that holds and is mended takes effect": {
			{main: composed(1, "broken", ""), fallback: closed, message: "Expected ';'", compiles: 2},
			{main: composed(2, "class", ""), active: composed(2, "class", ""), compiles: 1},
		},
		"what must hold is left out once it may be": {
			{main: composed(1, "broken", ""), fallback: closed, message: "Expected ';'", compiles: 2},
			{main: composed(2, "", "broken"), fallback: partial, without: []string{"own"}, message: "Expected ';'", compiles: 2},
		},
		"what was left out holds once it must": {
			{main: composed(1, "", "broken"), fallback: partial, without: []string{"own"}, message: "Expected ';'", compiles: 2},
			{main: composed(2, "broken", ""), fallback: closed, message: "Expected ';'", compiles: 2},
		},
		"what is left of main.vcl is no last good one": {
			{main: composed(1, "class", "broken"), fallback: partial, without: []string{"own"}, message: "Expected ';'", compiles: 2},
			{main: composed(2, "other", "broken"), fallback: partial, without: []string{"own"}, message: "Expected ';'", compiles: 2},
		},
		"a last good one goes before leaving out": {
			{main: one, active: one, compiles: 1},
			{main: composed(2, "class", "broken"), active: one, message: "Expected ';'", compiles: 1},
		},
		"another major version is refused by name":             {{main: one, active: one, compiles: 1}, {main: newer, active: one, message: "version 2.0.0"}},
		"what has no header is refused":                        {{main: []byte("vcl 4.1;"), fallback: closed, message: "cannot parse main.vcl", compiles: 1}},
		"one sequence with another content is another program": {{main: one, active: one, compiles: 1}, {main: main(1, "other"), active: main(1, "other"), compiles: 1}},
	}
	for name, steps := range tests {
		t.Run(name, func(t *testing.T) {
			files, err := OpenFiles(t.TempDir())
			require.NoError(t, err)
			loader, varnishd := NewLoader(files, nil), newFakeVarnishd(files.Dir())
			for i, step := range steps {
				if step.restart {
					varnishd = newFakeVarnishd(files.Dir())
				}
				varnishd.compiled = nil
				result, err := loader.Load(t.Context(), varnishd, step.main)
				require.NoError(t, err, "step %d", i)
				assert.Equal(t, varnishd.active(), result.Active.Name, "step %d", i)
				if step.active != nil {
					assert.Equal(t, nameOf(t, step.active), varnishd.active(), "step %d", i)
				} else {
					assert.Equal(t, step.fallback, result.Active.Fallback, "step %d", i)
				}
				assert.Equal(t, step.without, sources(result.Active.LeftOut), "step %d", i)
				assert.Len(t, varnishd.compiled, step.compiles, "step %d", i)
				assert.True(t, varnishd.running, "step %d", i)
				assert.Len(t, varnishd.vcls, 1, "step %d: what is not needed is discarded", i)
				if step.message == "" {
					assert.Empty(t, result.Message, "step %d", i)
				} else {
					assert.Contains(t, result.Message, step.message, "step %d", i)
				}
			}
		})
	}
}

func TestTheLastGoodVCLOutlivesChaperone(t *testing.T) {
	dir := t.TempDir()
	files, err := OpenFiles(dir)
	require.NoError(t, err)
	_, err = NewLoader(files, nil).Load(t.Context(), newFakeVarnishd(dir), main(1, "one"))
	require.NoError(t, err)

	files, err = OpenFiles(dir)
	require.NoError(t, err)
	result, err := NewLoader(files, nil).Load(t.Context(), newFakeVarnishd(dir), main(2, "broken"))
	require.NoError(t, err)
	assert.Equal(t, nameOf(t, main(1, "one")), result.Active.Name)
	assert.Contains(t, result.Message, "Expected ';'")
}

func TestVCLThatAnOperatorLoadedIsNotDiscarded(t *testing.T) {
	files, err := OpenFiles(t.TempDir())
	require.NoError(t, err)
	varnishd := newFakeVarnishd(files.Dir())
	varnishd.vcls = []varnishcli.VCL{{Name: "experiment", Status: "available"}}
	_, err = NewLoader(files, nil).Load(t.Context(), varnishd, main(1, "one"))
	require.NoError(t, err)
	assert.Len(t, varnishd.vcls, 2)
}

func TestAVarnishdThatGoesAwayIsNoFaultOfMainVCL(t *testing.T) {
	files, err := OpenFiles(t.TempDir())
	require.NoError(t, err)
	loader, varnishd := NewLoader(files, nil), newFakeVarnishd(files.Dir())
	varnishd.gone = true
	_, err = loader.Load(t.Context(), varnishd, main(1, "one"))
	require.ErrorIs(t, err, errGone)
	assert.Empty(t, loader.rejected)
}

func TestWhatWorkedBeforeIsNotReplacedByLess(t *testing.T) {
	dir := t.TempDir()
	files, err := OpenFiles(dir)
	require.NoError(t, err)
	loader, flaky := NewLoader(files, nil), main(1, "flaky")
	_, err = loader.Load(t.Context(), newFakeVarnishd(dir), flaky)
	require.NoError(t, err)
	varnishd := newFakeVarnishd(dir)
	varnishd.flaky = true
	result, err := loader.Load(t.Context(), varnishd, flaky)
	require.NoError(t, err)
	assert.Equal(t, adminapi.FallbackClosed, result.Active.Fallback, "what the user's VCL shuts is not opened")
	assert.True(t, result.Retry)
	assert.True(t, varnishd.running, "whoever comes gets an answer")
}

func TestWhyNothingServesIsTold(t *testing.T) {
	files, err := OpenFiles(t.TempDir())
	require.NoError(t, err)
	varnishd := newFakeVarnishd(files.Dir())
	varnishd.childless = true
	result, err := NewLoader(files, nil).Load(t.Context(), varnishd, main(1, "one"))
	require.NoError(t, err)
	assert.Empty(t, result.Active.Name)
	const failed = "varnishd's child does not start with it: Child failed"
	open := fallback(adminapi.FallbackOpen, openSource, nil)
	assert.Equal(t, failed+"\n\n"+open.Name+": "+failed+"\n\n"+closed().Name+": "+failed, result.Message)
}

func TestWhoGetsAnotherChance(t *testing.T) {
	tests := map[string]struct {
		source string
		retry  bool
	}{
		"what does not compile, for its host may be found later": {"flaky", true},
		"what has a flaw, since nobody can tell":                 {"broken", true},
		"what the child does not start with waits for another":   {"crash", false},
		"what ends a child that runs waits for another":          {"fatal", false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			files, err := OpenFiles(t.TempDir())
			require.NoError(t, err)
			loader, varnishd, program := NewLoader(files, nil), newFakeVarnishd(files.Dir()), main(1, test.source)
			varnishd.flaky, varnishd.running = true, test.source == "fatal"
			for range 2 {
				result, err := loader.Load(t.Context(), varnishd, program)
				require.NoError(t, err)
				assert.Equal(t, test.retry, result.Retry, "whether it is known or new")
				assert.NotEmpty(t, result.Message)
			}
			loader.ForgetHarmless()
			assert.Len(t, loader.rejected, map[bool]int{false: 1}[test.retry])
			loader.Forget()
			assert.Empty(t, loader.rejected, "a new varnishd may do better")
		})
	}
}
