// Package replace writes files whole or not at all.
package replace

import (
	"fmt"
	"os"
	"path/filepath"
)

// File puts content in the place of a file, so that a reader sees the whole of either. What it needs beside the file
// ends in ".new". The kernel may lose it with the machine's power: what is kept here is of use to this boot alone.
func File(path string, content []byte, mode os.FileMode) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, mode); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("replacing %s: %w", filepath.Base(path), err)
	}
	return nil
}
