package reload

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/varnish-gateway/gateway/chaperone/internal/replace"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
	"github.com/varnish-gateway/gateway/shared/routing"
)

// Disk holds the ghost.json that ghost reads: at a reload, and whenever varnishd starts a child. So that a
// child never starts from a file that ghost refused, the last good one is kept beside it and put back.
type Disk struct {
	// current is what ghost reads.
	current string
	// good and goodRouting are of the last configuration that ghost accepted.
	good, goodRouting string
}

// Good is the last configuration that ghost accepted.
type Good struct {
	// Ghost is ghost.json; nil where there is none.
	Ghost []byte
	// Routing is the complete routing.json that it was made of, for what ghost.json does not repeat; nil where
	// there is none.
	Routing []byte
}

const goodPrefix = "last-good-"

// OpenDisk keeps ghost.json in varnishd's working directory, and the last good configuration in goodDir. It puts that
// of an earlier run in place, and gives it.
func OpenDisk(varnishDir, goodDir string) (*Disk, Good, error) {
	d := &Disk{
		current: filepath.Join(varnishDir, ghostconf.File),
		good:    filepath.Join(goodDir, goodPrefix+ghostconf.File), goodRouting: filepath.Join(goodDir, goodPrefix+routing.File),
	}
	ghost, err := d.restore()
	if ghost == nil || err != nil {
		return d, Good{}, err
	}
	routing, err := read(d.goodRouting)
	return d, Good{Ghost: ghost, Routing: routing}, err
}

// Try puts a candidate where ghost reads it.
func (d *Disk) Try(candidate []byte) error {
	return replace.File(d.current, candidate, 0o644)
}

// Keep says that ghost accepted a configuration. Where its routing.json is nil, the one that was kept before stays.
func (d *Disk) Keep(good Good) error {
	if good.Routing != nil {
		if err := replace.File(d.goodRouting, good.Routing, 0o644); err != nil {
			return err
		}
	}
	return replace.File(d.good, good.Ghost, 0o644)
}

// Restore puts the last good one back in the place of a candidate that ghost refused, or no file where
// there is none.
func (d *Disk) Restore() error {
	_, err := d.restore()
	return err
}

// Forget says that ghost refuses what was the last good one: no child is to start from it.
func (d *Disk) Forget() error {
	return errors.Join(remove(d.good), remove(d.goodRouting), remove(d.current))
}

func (d *Disk) restore() ([]byte, error) {
	good, err := read(d.good)
	if err != nil {
		return nil, err
	}
	if good == nil {
		return nil, remove(d.current)
	}
	return good, d.Try(good)
}

// read gives a file; nil where there is none.
func read(path string) ([]byte, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", filepath.Base(path), err)
	}
	return content, nil
}

// remove removes a file that may not be there.
func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("removing %s: %w", filepath.Base(path), err)
	}
	return nil
}
