package reload

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

// Disk holds the ghost.json that ghost reads: at a reload, and whenever varnishd starts a child. So that a
// child never starts from a file that ghost refused, the last good one is kept beside it and put back.
type Disk struct {
	// current is what ghost reads.
	current string
	// good is the last one that ghost accepted.
	good string
}

// OpenDisk keeps ghost.json in varnishd's working directory, and the last good one in goodDir. It puts the last good
// one of an earlier run in place, and gives it; nil where there is none.
func OpenDisk(varnishDir, goodDir string) (*Disk, []byte, error) {
	d := &Disk{current: filepath.Join(varnishDir, ghostconf.File), good: filepath.Join(goodDir, "last-good-"+ghostconf.File)}
	good, err := d.Restore()
	return d, good, err
}

// Try puts a candidate where ghost reads it.
func (d *Disk) Try(candidate []byte) error {
	return replace(d.current, candidate)
}

// Keep says that ghost accepted the candidate.
func (d *Disk) Keep(candidate []byte) error {
	return replace(d.good, candidate)
}

// Restore puts the last good one back in the place of a candidate that ghost refused, or no file where
// there is none.
func (d *Disk) Restore() ([]byte, error) {
	good, err := os.ReadFile(d.good)
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.Remove(d.current); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("removing a refused %s: %w", ghostconf.File, err)
		}
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the last good %s: %w", ghostconf.File, err)
	}
	return good, d.Try(good)
}

// replace writes a file whole or not at all.
func replace(path string, content []byte) error {
	temporary := path + ".new"
	if err := os.WriteFile(temporary, content, 0o644); err != nil {
		return fmt.Errorf("writing %s: %w", filepath.Base(path), err)
	}
	if err := os.Rename(temporary, path); err != nil {
		return fmt.Errorf("replacing %s: %w", filepath.Base(path), err)
	}
	return nil
}
