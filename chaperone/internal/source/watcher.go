package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quiet is how long nothing may happen before a change is read: an editor empties a file before it writes it,
	// and a file that is empty for that moment would take its endpoints away.
	quiet = 5 * time.Millisecond
	// maxDelay bounds that wait while events keep coming.
	maxDelay = 200 * time.Millisecond
)

// watcher waits for changes in directories.
type watcher struct {
	notify *fsnotify.Watcher
	dirs   []string
}

func newWatcher(dirs ...string) (*watcher, error) {
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return nil, fmt.Errorf("watching directories: %w", err)
	}
	w := &watcher{notify: notify}
	for _, dir := range dirs {
		if dir != "" {
			w.dirs = append(w.dirs, dir)
		}
	}
	if err := w.add(); err != nil {
		w.close()
		return nil, err
	}
	return w, nil
}

func (w *watcher) close() { w.notify.Close() }

// wait returns after the next change, which may have been any of the directories, or when again comes.
func (w *watcher) wait(ctx context.Context, again <-chan time.Time) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-again:
		return nil
	case _, open := <-w.notify.Events:
		if !open {
			return errors.New("watching directories: the watch has ended")
		}
	case err, open := <-w.notify.Errors:
		// Where events were lost, reading everything again makes up for them.
		if !open || !errors.Is(err, fsnotify.ErrEventOverflow) {
			return fmt.Errorf("watching directories: %w", err)
		}
	}
	if err := w.settle(ctx); err != nil {
		return err
	}
	return w.add()
}

// settle waits until the burst of events is over: one write of a file, or one swap of a volume, makes for several
// of them.
func (w *watcher) settle(ctx context.Context) error {
	end := time.After(maxDelay)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-w.notify.Events:
		case <-time.After(quiet):
			return nil
		case <-end:
			return nil
		}
	}
}

// add watches each directory or, where it is not there, the nearest one above it that is. To add one that
// is watched already changes nothing, and one that was removed and made again is watched anew.
func (w *watcher) add() error {
	for _, dir := range w.dirs {
		path := filepath.Clean(dir)
		err := w.notify.Add(path)
		for errors.Is(err, fs.ErrNotExist) && path != filepath.Dir(path) {
			path = filepath.Dir(path)
			err = w.notify.Add(path)
		}
		if err != nil {
			return fmt.Errorf("watching directory %s: %w", path, err)
		}
	}
	return nil
}
