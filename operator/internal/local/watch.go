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
	"go.uber.org/zap"
)

const (
	// quiet is how long nothing may change before a change is taken in: saving one file makes for several events.
	quiet = 5 * time.Millisecond
	// maxDelay bounds the wait while changes keep coming.
	maxDelay = 200 * time.Millisecond
	// lookPause is how often the roots are looked at: no event tells that a directory above them was moved, or that a
	// symbolic link points elsewhere.
	lookPause = time.Second
)

// watcher tells of changes anywhere below directories, or of single files. A root that is replaced, as git and rm do it,
// is watched anew.
type watcher struct {
	notify *fsnotify.Watcher
	roots  []string
	// tops are the directories that are watched for each root.
	tops map[string]top
	// stale says that changes may go unseen until everything is watched anew.
	stale bool
	// failing is why that could not be done; empty where it could.
	failing string
	log     *zap.Logger
}

// top is a directory as it was when it was first watched.
type top struct {
	path string
	info fs.FileInfo
	// ofFile says that the root is a file in it: what else lies there or below is not read.
	ofFile bool
}

func newWatcher(roots []string, log *zap.Logger) (*watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching manifests: %w", err)
	}
	w := &watcher{notify: notify, roots: roots, log: log}
	if err := w.addRoots(); err != nil {
		return nil, errors.Join(err, notify.Close())
	}
	return w, nil
}

// addRoots watches every root that is there, and fails if any is not.
func (w *watcher) addRoots() error {
	w.tops = map[string]top{}
	var failed error
	for _, root := range w.roots {
		at, err := topOf(root)
		if err == nil {
			w.tops[root] = at
			err = w.addTop(at)
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("watching %s: %w", root, err))
		}
	}
	return failed
}

func (w *watcher) addTop(at top) error {
	if at.ofFile {
		return w.notify.Add(at.path)
	}
	return w.addTree(at.path)
}

// topOf is the directory that is to be watched for a root. A file is watched through its directory, since editors replace
// files.
func topOf(root string) (top, error) {
	path, err := filepath.EvalSymlinks(root)
	if err != nil {
		return top{}, err
	}
	at := top{path: path}
	at.info, err = os.Stat(path)
	if err == nil && !at.info.IsDir() {
		at = top{path: filepath.Dir(path), ofFile: true}
		at.info, err = os.Stat(at.path)
	}
	return at, err
}

// addTree watches a directory with all below it. Where something below cannot be watched, the rest is, and changes may go
// unseen.
func (w *watcher) addTree(dir string) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path != dir:
			return nil
		case err != nil && path == dir:
			return err
		case err == nil && !d.IsDir():
			return nil
		case err == nil && path != dir && strings.HasPrefix(d.Name(), "."):
			return filepath.SkipDir
		}
		if err == nil {
			err = w.notify.Add(path)
		}
		if err != nil && path != dir {
			w.stale = true
			return filepath.SkipDir
		}
		return err
	})
}

// run calls changed after each burst of changes, until ctx ends.
func (w *watcher) run(ctx context.Context, changed func()) {
	defer w.close()
	look := time.NewTicker(lookPause)
	defer look.Stop()
	var settle <-chan time.Time
	var first time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case event := <-w.notify.Events:
			if !w.matters(event) {
				continue
			}
			now := time.Now()
			if settle == nil {
				first = now
			}
			settle = time.After(min(quiet, maxDelay-min(now.Sub(first), maxDelay)))
		case <-w.notify.Errors:
			// Events were lost: directories may have appeared unseen.
			w.stale = true
			settle = time.After(quiet)
		case <-look.C:
			if w.refresh() {
				changed()
			}
		case <-settle:
			settle = nil
			w.refresh()
			changed()
		}
	}
}

// refresh watches everything anew where that is needed, and tells whether it was: then changes may have gone unseen. Where it
// fails, the next one tries again.
func (w *watcher) refresh() bool {
	if !w.stale && !w.replaced() {
		return false
	}
	w.stale = false
	err := w.renew()
	w.stale = w.stale || err != nil
	switch {
	case err == nil:
		w.failing = ""
	case w.failing != err.Error():
		w.failing = err.Error()
		w.log.Warn("watching manifests; trying again", zap.Error(err))
	}
	return true
}

// replaced tells whether some root is not the directory any more that is watched.
func (w *watcher) replaced() bool {
	for _, root := range w.roots {
		at, err := topOf(root)
		if was, ok := w.tops[root]; err != nil || !ok || at.path != was.path || !os.SameFile(at.info, was.info) {
			return true
		}
	}
	return false
}

// renew starts over: what a watch knows of a directory that was replaced gets into the way of watching the new one.
func (w *watcher) renew() error {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	w.close()
	w.notify = notify
	return w.addRoots()
}

// matters tells whether an event can change what is read, and watches directories that appear.
func (w *watcher) matters(event fsnotify.Event) bool {
	if event.Has(fsnotify.Remove) || event.Has(fsnotify.Rename) {
		for _, at := range w.tops {
			if at.path == event.Name {
				w.stale = true
				return true
			}
		}
	}
	if event.Op == fsnotify.Chmod || strings.HasPrefix(filepath.Base(event.Name), ".") {
		return false
	}
	if event.Has(fsnotify.Create) {
		if info, err := os.Stat(event.Name); err == nil && info.IsDir() {
			err := w.addTree(event.Name)
			w.stale = w.stale || err != nil && !errors.Is(err, fs.ErrNotExist)
		}
	}
	return true
}

func (w *watcher) close() {
	if err := w.notify.Close(); err != nil {
		w.log.Warn("closing the watch of the manifests", zap.Error(err))
	}
}
