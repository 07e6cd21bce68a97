package source

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// dataLink is the symbolic link that the kubelet swaps when it updates a mounted volume.
const dataLink = "..data"

// swapAttempts bounds how often a directory is read anew because the kubelet swapped it meanwhile.
const swapAttempts = 5

// readDirectory gives the files of a directory by name. Of a mounted volume it gives one consistent state.
// A directory that is not there is empty.
func readDirectory(dir string) (map[string][]byte, error) {
	for attempt := 1; ; attempt++ {
		files, err := readOnce(dir)
		if err == nil {
			return files, nil
		}
		if !errors.Is(err, fs.ErrNotExist) || attempt == swapAttempts {
			return nil, fmt.Errorf("reading %s: %w", dir, err)
		}
	}
}

func readOnce(dir string) (map[string][]byte, error) {
	root, err := resolve(dir)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	entries, err := os.ReadDir(root)
	if root == dir && errors.Is(err, fs.ErrNotExist) {
		return files, nil
	}
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		path := filepath.Join(root, entry.Name())
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			continue
		}
		if files[entry.Name()], err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	return files, nil
}

// resolve follows the kubelet's link once, so that all files are read from one state.
func resolve(dir string) (string, error) {
	target, err := os.Readlink(filepath.Join(dir, dataLink))
	if errors.Is(err, fs.ErrNotExist) {
		return dir, nil
	}
	if err != nil {
		return "", err
	}
	if filepath.IsAbs(target) {
		return target, nil
	}
	return filepath.Join(dir, target), nil
}
