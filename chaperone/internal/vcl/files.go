package vcl

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/varnish-gateway/gateway/chaperone/internal/replace"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

const (
	extension    = ".vcl"
	lastGoodFile = "last-good" + extension
)

// Files are the directory that varnishd loads VCL from (vcl_path). The last VCL that worked is kept there
// too, for a varnishd or a chaperone that starts when main.vcl does not compile.
type Files struct{ dir string }

// OpenFiles makes the directory if need be, and removes what an earlier run left, except the last good VCL.
func OpenFiles(dir string) (*Files, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("making the directory for VCL: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("reading the directory for VCL: %w", err)
	}
	for _, entry := range entries {
		if entry.Name() != lastGoodFile {
			os.Remove(filepath.Join(dir, entry.Name()))
		}
	}
	return &Files{dir: dir}, nil
}

// Dir is the directory.
func (f *Files) Dir() string { return f.dir }

// Put writes a program where varnishd can load it, with what mainvcl.Complete adds, and gives the name of the file within
// the directory.
func (f *Files) Put(program Program) (string, error) {
	file := program.Name + extension
	if err := replace.File(filepath.Join(f.dir, file), mainvcl.Complete(program.Source), 0o644); err != nil {
		return "", fmt.Errorf("writing VCL %s: %w", program.Name, err)
	}
	return file, nil
}

// Remove removes what Put wrote.
func (f *Files) Remove(name string) { os.Remove(filepath.Join(f.dir, name+extension)) }

// KeepGood remembers main.vcl as the last one that worked.
func (f *Files) KeepGood(program Program) error {
	if err := replace.File(filepath.Join(f.dir, lastGoodFile), program.Source, 0o644); err != nil {
		return fmt.Errorf("keeping the last good VCL: %w", err)
	}
	return nil
}

// LastGood is the last main.vcl that worked, if there is one.
func (f *Files) LastGood() (Program, bool, error) {
	source, err := os.ReadFile(filepath.Join(f.dir, lastGoodFile))
	if errors.Is(err, fs.ErrNotExist) {
		return Program{}, false, nil
	}
	if err != nil {
		return Program{}, false, fmt.Errorf("reading the last good VCL: %w", err)
	}
	program, err := Parse(source)
	return program, err == nil, err
}

// inMain rewrites a compiler's message so that it speaks of main.vcl instead of the file that varnishd saw.
func (f *Files) inMain(message, file string) string {
	message = strings.ReplaceAll(message, filepath.Join(f.dir, file), mainvcl.File)
	return strings.ReplaceAll(message, file, mainvcl.File)
}
