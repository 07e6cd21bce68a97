package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long nothing may change before a change is taken in: an editor empties a file before it
	// writes it, and an empty file would take its routes away for that moment.
	quiet = 5 * time.Millisecond
	// maxDelay bounds the wait while changes keep coming.
	maxDelay = 200 * time.Millisecond
)

// watcher tells of changes anywhere below directories, or of single files.
type watcher struct {
	notify *fsnotify.Watcher
	roots  []string
}

func newWatcher(roots []string) (*watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching manifests: %w", err)
	}
	w := &watcher{notify: notify, roots: roots}
	if err := w.addRoots(); err != nil {
		return nil, errors.Join(err, notify.Close())
	}
	return w, nil
}

func (w *watcher) addRoots() error {
	for _, root := range w.roots {
		top, err := filepath.EvalSymlinks(root)
		if err == nil {
			err = addTree(w.notify, top)
		}
		if err != nil {
			return fmt.Errorf("watching %s: %w", root, err)
		}
	}
	return nil
}

// addTree watches a directory with all below it. A file is watched through its directory, since editors
// replace files.
func addTree(notify *fsnotify.Watcher, top string) error {
	info, err := os.Stat(top)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return notify.Add(filepath.Dir(top))
	}
	return filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path != top:
			return nil
		case err != nil:
			return err
		case !d.IsDir():
			return nil
		case path != top && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		}
		return notify.Add(path)
	})
}

// run calls changed after each burst of changes, until ctx ends. It returns an error where changes may have been
// missed for good.
func (w *watcher) run(ctx context.Context, changed func()) error {
	var settle <-chan time.Time
	var first time.Time
	for {
		select {
		case <-ctx.Done():
			return nil
		case event := <-w.notify.Events:
			if !w.matters(event) {
				continue
			}
			now := time.Now()
			if settle == nil {
				first = now
			}
			settle = time.After(min(quiet, maxDelay-min(now.Sub(first), maxDelay)))
		case err := <-w.notify.Errors:
			if !errors.Is(err, fsnotify.ErrEventOverflow) {
				return fmt.Errorf("watching manifests: %w", err)
			}
			// Directories may have appeared unseen.
			if err := w.addRoots(); err != nil {
				return err
			}
			settle = time.After(quiet)
		case <-settle:
			settle = nil
			changed()
		}
	}
}

// matters tells whether an event can change what is read, and watches directories that appear.
func (w *watcher) matters(event fsnotify.Event) bool {
	if event.Op == fsnotify.Chmod || strings.HasPrefix(filepath.Base(event.Name), ".") {
		return false
	}
	if event.Has(fsnotify.Create) {
		if info, err := os.Stat(event.Name); err == nil && info.IsDir() {
			// A directory that is gone again has its own event.
			_ = addTree(w.notify, event.Name)
		}
	}
	return true
}

func (w *watcher) close() error { return w.notify.Close() }
