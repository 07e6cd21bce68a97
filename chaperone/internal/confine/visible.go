// Package confine starts programs that cannot read some files, although they run as the same user: varnishd runs the VCL of users,
// which can read files, and needs neither private keys nor tokens. It is done by Landlock (landlock(7)), which a process without
// privileges can use, and which holds for everything that it starts.
package confine

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// visible lists what may be read where hidden must not be: Landlock knows only what is allowed, with all that lies beneath. Paths that
// are made later beside something hidden cannot be read either. Symbolic links are left out, since what they lead to is listed
// where it lies.
func visible(root string, hidden []string) ([]string, error) {
	if slices.Contains(hidden, root) {
		return nil, nil
	}
	if !slices.ContainsFunc(hidden, func(path string) bool { return isBeneath(path, root) }) {
		return []string{root}, nil
	}
	entries, err := os.ReadDir(root)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, nil
		}
		return nil, err
	}
	var found []string
	for _, entry := range entries {
		if entry.Type()&fs.ModeSymlink != 0 {
			continue
		}
		beneath, err := visible(filepath.Join(root, entry.Name()), hidden)
		if err != nil {
			return nil, err
		}
		found = append(found, beneath...)
	}
	return found, nil
}

func isBeneath(path, directory string) bool {
	return directory == "/" && path != "/" || strings.HasPrefix(path, directory+"/")
}

// resolve gives the place where each path lies, whatever links lead there. What is not there is hidden under the name that it would
// have.
func resolve(paths []string) ([]string, error) {
	var resolved []string
	for _, path := range paths {
		absolute, err := filepath.Abs(path)
		if err != nil {
			return nil, err
		}
		resolved = append(resolved, follow(absolute))
	}
	return resolved, nil
}

// follow resolves the links of as much of a path as there is.
func follow(path string) string {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		return real
	}
	if path == "/" {
		return path
	}
	return filepath.Join(follow(filepath.Dir(path)), filepath.Base(path))
}
