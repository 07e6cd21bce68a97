// Package sibling finds the programs that belong to this one.
package sibling

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Find looks for a program: where the user says, beside this one, or on the PATH. The flag is how a
// user says it.
func Find(name, given, flag string) (string, error) {
	if given != "" {
		return exec.LookPath(given)
	}
	if self, err := os.Executable(); err == nil {
		if path, err := exec.LookPath(filepath.Join(filepath.Dir(self), name)); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath(name)
	if err != nil {
		return "", fmt.Errorf("no %s beside this program or on the PATH (name it with --%s): %w", name, flag, err)
	}
	return path, nil
}
