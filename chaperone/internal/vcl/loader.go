package vcl

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/varnish-gateway/gateway/chaperone/internal/varnishcli"
	"github.com/varnish-gateway/gateway/shared/adminapi"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// CLI is what a Loader asks of varnishd.
type CLI interface {
	LoadVCL(ctx context.Context, name, path string) error
	UseVCL(ctx context.Context, name string) error
	DiscardVCL(ctx context.Context, name string) error
	ListVCL(ctx context.Context) ([]varnishcli.VCL, error)
	Running(ctx context.Context) (bool, error)
	Start(ctx context.Context) error
	Pids(ctx context.Context) (varnishcli.Pids, error)
}

// Loader makes varnishd run the newest VCL that works. It is not safe for concurrent use.
type Loader struct {
	files *Files
	// rejected are what programs that did not work were refused for, by name: the same source is not
	// compiled again and again, until Forget or ForgetHarmless gives it another chance.
	rejected map[string]*rejection
	// within is how long compilers may take.
	within time.Duration
	// trial is nil where VCL is not tried first.
	trial *Trial
}

// NewLoader loads from the given directory. While varnishd's child serves, it tries VCL first that runs more than
// Varnish and ghost as it is loaded. A nil trial tries nothing.
func NewLoader(files *Files, trial *Trial) *Loader {
	return &Loader{files: files, rejected: map[string]*rejection{}, within: adminapi.CompileWithin, trial: trial}
}

// Result is what varnishd runs after a Load.
type Result struct {
	// Active is what varnishd runs; its name is empty where nothing works.
	Active Program
	// Message says why the newest main.vcl is not what runs; empty where it is.
	Message string
	// Compiled says that at least one program was compiled.
	Compiled bool
	// Retry says that the newest main.vcl may work later, and that trying it again harms nothing.
	Retry bool
	// TooLong says that the newest main.vcl was not compiled in time, or not loaded in a trial.
	TooLong bool
}

// rejection says that a program does not work, in words for its author. None is for good: the compiler looks
// hosts up, and needs memory and disk space, all of which may be missing for a moment only.
type rejection struct {
	message string
	// harmless says that varnishd's child lives on, so that another attempt costs a compilation and no more.
	harmless bool
	// tooLong says that it was not compiled in time, or not loaded in a trial.
	tooLong bool
}

func (r *rejection) Error() string { return r.message }

// tooLong rejects what was not compiled in time.
func tooLong(within time.Duration) *rejection {
	return &rejection{message: fmt.Sprintf("%s: it had %s", ErrTooLong, within), harmless: true, tooLong: true}
}

// Load makes varnishd run main.vcl, or what stands for it (see candidates); starts the child if it does not run; and
// discards what is not needed any more. main is nil where there is no main.vcl. An error means that varnishd could
// not be asked, and says nothing about main.vcl.
func (l *Loader) Load(ctx context.Context, cli CLI, main []byte) (Result, error) {
	var result Result
	candidates, message, err := l.candidates(main)
	if err != nil {
		return result, err
	}
	result.Message = message
	result.Retry, result.TooLong = l.retries(main)
	for i, candidate := range candidates {
		compiled, err := l.activate(ctx, cli, candidate)
		result.Compiled = result.Compiled || compiled
		var rejected *rejection
		if errors.As(err, &rejected) {
			l.rejected[candidate.Name] = rejected
			switch {
			case i == 0 && result.Message == "":
				result.Message, result.Retry, result.TooLong = rejected.message, rejected.harmless, rejected.tooLong
			case candidate.Fallback == adminapi.FallbackOpen, candidate.Fallback == adminapi.FallbackClosed:
				// What is wrong with these is not in main.vcl.
				result.Message += "\n\n" + candidate.Name + ": " + rejected.message
			}
			continue
		}
		if err != nil {
			return result, err
		}
		result.Active = candidate
		return result, l.settle(ctx, cli, candidate)
	}
	return result, nil
}

// retries says whether main.vcl was rejected and may be tried again, and whether it took too long.
func (l *Loader) retries(main []byte) (retries, tooLong bool) {
	wanted, err := Parse(main)
	rejected, known := l.rejected[wanted.Name]
	if err != nil || !known {
		return false, false
	}
	return rejected.harmless, rejected.tooLong
}

// candidates are the programs to try, the best first, and the reason why main.vcl is not among them:
//   - main.vcl;
//   - the last good one, where there is one: somebody relies on what it shuts;
//   - otherwise main.vcl without the parts that may be left out;
//   - what routes without any part, where there is none that must hold;
//   - what answers 503.
func (l *Loader) candidates(main []byte) (list []Program, message string, err error) {
	wanted, parseErr := Parse(main)
	switch rejected, known := l.rejected[wanted.Name]; {
	case main == nil:
		message = "there is no main.vcl"
	case parseErr != nil:
		message = parseErr.Error()
	case known:
		message = rejected.message
	default:
		list = append(list, wanted)
	}
	good, found, err := l.files.LastGood()
	if err != nil {
		message = strings.TrimSpace(message + "\n" + err.Error())
	}
	switch {
	case found && good.Name != wanted.Name:
		good.Fallback = adminapi.FallbackLastGood
		list = append(list, good)
	case !found && main != nil && parseErr == nil:
		list = append(list, wanted.without()...)
	}
	return append(list, closed()), message, nil
}

// activate compiles a program unless varnishd has it, uses it, and starts the child unless it runs.
func (l *Loader) activate(ctx context.Context, cli CLI, program Program) (compiled bool, err error) {
	loaded, err := cli.ListVCL(ctx)
	if err != nil {
		return false, err
	}
	active, known := find(loaded, program.Name)
	if !known {
		if err := l.compile(ctx, cli, program); err != nil {
			return true, err
		}
	}
	if !active {
		if err := cli.UseVCL(ctx, program.Name); err != nil {
			return !known, reject(err, "varnishd does not use it")
		}
	}
	return !known, l.start(ctx, cli, program)
}

func find(loaded []varnishcli.VCL, name string) (active, known bool) {
	for _, vcl := range loaded {
		if vcl.Name == name && vcl.Status != "discarded" {
			return vcl.Status == "active", true
		}
	}
	return false, false
}

func (l *Loader) compile(ctx context.Context, cli CLI, program Program) error {
	file, err := l.files.Put(program)
	if err != nil {
		return err
	}
	defer l.files.Remove(program.Name)
	if err := l.try(ctx, cli, program, file); err != nil {
		return err
	}
	late, err := l.load(ctx, cli, program.Name, file)
	if err == nil {
		return nil
	}
	err = reject(err, "")
	var rejected *rejection
	if errors.As(err, &rejected) {
		rejected.message = mainvcl.Locate(l.files.inMain(rejected.message, file), program.Parts)
		if late {
			return tooLong(l.within)
		}
	}
	return err
}

// try tries a program where it could take the child down. Where there can be no trial, nothing is known against it.
func (l *Loader) try(ctx context.Context, cli CLI, program Program, file string) error {
	if l.trial == nil || !runsForeignCode(program.Source) {
		return nil
	}
	running, err := cli.Running(ctx)
	if err != nil || !running {
		return err
	}
	if rejected, err := l.trial.run(ctx, l.files.Dir(), file, l.within); err == nil && rejected != nil {
		return rejected
	}
	return nil
}

// load lets varnishd load a file, and ends its compilers where these take too long.
func (l *Loader) load(ctx context.Context, cli CLI, name, file string) (late bool, err error) {
	pids, err := cli.Pids(ctx)
	if err != nil {
		return false, err
	}
	stop, err := endCompilers(pids.Master, l.within)
	if err != nil {
		return false, err
	}
	err = cli.LoadVCL(ctx, name, file)
	return stop(), err
}

// start starts the child. A VCL can compile and yet fail as the child starts (vcl_init). A child loads all VCL that varnishd
// has, so that what has failed before must be gone.
func (l *Loader) start(ctx context.Context, cli CLI, program Program) error {
	running, err := cli.Running(ctx)
	if err != nil || running {
		return err
	}
	if err := discardOthers(ctx, cli, program); err != nil {
		return err
	}
	startErr := cli.Start(ctx)
	if startErr == nil {
		return nil
	}
	// varnishd may have been about to start it by itself.
	if running, err := cli.Running(ctx); err != nil || running {
		return err
	}
	err = reject(startErr, "varnishd's child does not start with it")
	var rejected *rejection
	if errors.As(err, &rejected) {
		rejected.harmless = false
	}
	return err
}

// Forget gives programs another chance: a new varnishd may do better. What takes too long to compile has
// to wait for ForgetHarmless, since a varnishd that has just started serves nobody meanwhile.
func (l *Loader) Forget() {
	maps.DeleteFunc(l.rejected, func(_ string, r *rejection) bool { return !r.tooLong })
}

// ForgetHarmless gives those another chance that left varnishd's child alone.
func (l *Loader) ForgetHarmless() {
	maps.DeleteFunc(l.rejected, func(_ string, r *rejection) bool { return r.harmless })
}

// settle keeps main.vcl as the last good one, and discards every other one of ours.
func (l *Loader) settle(ctx context.Context, cli CLI, program Program) error {
	if program.Fallback == adminapi.FallbackNone || program.Fallback == adminapi.FallbackLastGood {
		if err := l.files.KeepGood(program); err != nil {
			return err
		}
	}
	return discardOthers(ctx, cli, program)
}

// discardOthers discards every program of ours but this one. varnishd frees a discarded VCL when the last task that uses
// it has ended.
func discardOthers(ctx context.Context, cli CLI, program Program) error {
	loaded, err := cli.ListVCL(ctx)
	if err != nil {
		return err
	}
	for _, vcl := range loaded {
		if vcl.Name == program.Name || vcl.Status == "discarded" || !isOurs(vcl.Name) {
			continue
		}
		if err := cli.DiscardVCL(ctx, vcl.Name); refusal(err) == "" && err != nil {
			return err
		}
	}
	return nil
}

// isOurs leaves VCL alone that an operator loaded by hand.
func isOurs(name string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

// reject turns varnishd's refusal of a command into a rejection; other errors stay as they are.
func reject(err error, what string) error {
	text := refusal(err)
	if text == "" {
		return err
	}
	if what != "" {
		text = what + ": " + text
	}
	return &rejection{message: text, harmless: !lostChild(err)}
}

// lostChild says whether varnishd could not do a command because its child went away in the middle of it.
func lostChild(err error) bool {
	var command *varnishcli.CommandError
	return errors.As(err, &command) && command.Status >= varnishcli.StatusComms
}

// refusal is what varnishd said, or "" where the error is not varnishd's.
func refusal(err error) string {
	var command *varnishcli.CommandError
	if !errors.As(err, &command) {
		return ""
	}
	if text := strings.TrimSpace(command.Body); text != "" {
		return text
	}
	return fmt.Sprintf("%s failed with status %d", command.Command, command.Status)
}
