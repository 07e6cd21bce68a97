package local

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// dataLink is the symbolic link that the kubelet swaps to change all files of a mount at once.
const dataLink = "..data"

// mount is a directory whose files change all at once, as the kubelet does it for ConfigMaps and Secrets: each
// file is a link through ..data, which is swapped to a directory with the new content.
type mount struct {
	dir string
	// mode of the files.
	mode fs.FileMode
	// live is the content that readers see.
	live map[string][]byte
}

// openMount takes over what an earlier run left in dir.
func openMount(dir string, mode fs.FileMode) (*mount, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	live, err := readMount(dir)
	if err != nil {
		return nil, err
	}
	return &mount{dir: dir, mode: mode, live: live}, nil
}

// readMount reads what an earlier run left in dir, which need not exist.
func readMount(dir string) (map[string][]byte, error) {
	live := map[string][]byte{}
	entries, err := os.ReadDir(filepath.Join(dir, dataLink))
	if errors.Is(err, fs.ErrNotExist) {
		return live, nil
	}
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		if live[entry.Name()], err = os.ReadFile(filepath.Join(dir, dataLink, entry.Name())); err != nil {
			return nil, err
		}
	}
	return live, nil
}

// write makes files the content of the mount. It does nothing where they are that already.
func (m *mount) write(files map[string][]byte) error {
	if maps.EqualFunc(files, m.live, bytes.Equal) {
		return nil
	}
	old, err := os.Readlink(filepath.Join(m.dir, dataLink))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	next, err := os.MkdirTemp(m.dir, "..")
	if err != nil {
		return err
	}
	if err := m.fill(next, old, files); err != nil {
		return errors.Join(err, os.RemoveAll(next))
	}
	if err := m.swap(filepath.Base(next), files); err != nil {
		return fmt.Errorf("switching %s: %w", m.dir, err)
	}
	m.live = maps.Clone(files)
	if old == "" {
		return nil
	}
	return os.RemoveAll(filepath.Join(m.dir, old))
}

// fill writes the files; those that did not change are shared with the directory that serves now.
func (m *mount) fill(next, old string, files map[string][]byte) error {
	for name, data := range files {
		path := filepath.Join(next, name)
		live, ok := m.live[name]
		if ok && old != "" && bytes.Equal(live, data) && os.Link(filepath.Join(m.dir, old, name), path) == nil {
			continue
		}
		if err := os.WriteFile(path, data, m.mode); err != nil {
			return err
		}
	}
	return nil
}

// swap lets ..data point to the new directory, and sees to one link for each file.
func (m *mount) swap(next string, files map[string][]byte) error {
	link, tmp := filepath.Join(m.dir, dataLink), filepath.Join(m.dir, dataLink+"_tmp")
	if err := os.Remove(tmp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.Symlink(next, tmp); err != nil {
		return err
	}
	if err := os.Rename(tmp, link); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		err := os.Symlink(filepath.Join(dataLink, name), filepath.Join(m.dir, name))
		if err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	for name := range m.live {
		if _, kept := files[name]; !kept {
			if err := os.Remove(filepath.Join(m.dir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
