package manifest

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/varnish-gateway/gateway/operator/internal/crds"
)

// Reader reads directories again and again. It parses only what changed, and keeps the last good form of
// what is broken. It is for one goroutine.
type Reader struct {
	roots  []string
	parser parser
	files  map[string]*file
	now    func() time.Time
}

// NewReader prepares to read directories, or single files, as if they were one.
func NewReader(roots ...string) (*Reader, error) {
	registry, err := crds.Default()
	if err != nil {
		return nil, err
	}
	return &Reader{roots: roots, parser: parser{registry: registry}, now: time.Now}, nil
}

// Read takes in what the directories hold now. An error means that a directory itself cannot be read; whatever
// is wrong inside it is among the Set's Problems.
func (r *Reader) Read() (*Set, error) {
	found := map[string]located{}
	for _, root := range r.roots {
		if err := list(root, found); err != nil {
			return nil, fmt.Errorf("reading manifests: %w", err)
		}
	}
	next, err := r.refresh(found)
	if err != nil {
		return nil, err
	}
	r.files = next
	return merge(next), nil
}

// refresh reads the files that changed.
func (r *Reader) refresh(found map[string]located) (map[string]*file, error) {
	next := make(map[string]*file, len(found))
	now := r.now()
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for name, at := range found {
		old := r.files[name]
		if at.err != nil {
			mu.Lock()
			r.keep(name, at.err, next)
			mu.Unlock()
			continue
		}
		if old != nil && old.stamp.same(stampOf(at.info, old.stamp.changed)) {
			mu.Lock()
			next[name] = old
			mu.Unlock()
			continue
		}
		group.Go(func() error {
			f := r.parser.readFile(at.path, name, at.info, old, now)
			mu.Lock()
			defer mu.Unlock()
			next[name] = f
			return nil
		})
	}
	return next, group.Wait()
}

// keep keeps what is known of a file that cannot be read, or of all files in a directory that cannot be.
func (r *Reader) keep(name string, err error, next map[string]*file) {
	for known, f := range r.files {
		if strings.HasPrefix(known, name+string(filepath.Separator)) {
			next[known] = f
		}
	}
	next[name] = unread(name, err, r.files[name])
}

// merge puts the files together, in the order of their names. Of two objects with one key the first counts.
func merge(files map[string]*file) *Set {
	set := &Set{Ignored: map[string]int{}, entries: map[Key]entry{}}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		f := files[name]
		set.Problems = append(set.Problems, f.problems...)
		set.Emptied = set.Emptied || !f.emptied.IsZero()
		for kind, n := range f.ignored {
			set.Ignored[kind] += n
		}
		for _, key := range f.keys() {
			e := f.good[key]
			if first, twice := set.entries[key]; twice {
				set.Problems = append(set.Problems, duplicate(e.source, key, first.source))
				continue
			}
			set.entries[key] = e
		}
	}
	return set
}

// located is a file that was found.
type located struct {
	path string
	info fs.FileInfo
	// err is why nothing can be known of it, or of what is in it.
	err error
}

// list finds the manifests below root, by their names as the user would write them. Hidden files and
// directories are left out: editors and mounted ConfigMaps keep their own there. Symbolic links to files are
// followed. Only what is wrong with root itself is an error.
func list(root string, found map[string]located) error {
	top, err := filepath.EvalSymlinks(root)
	if err != nil {
		return err
	}
	return filepath.WalkDir(top, func(path string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && path != top:
			return nil // removed while we looked
		case err != nil && path == top:
			return err
		case err != nil:
			found[nameBelow(root, top, path)] = located{err: err}
			return nil
		case path != top && strings.HasPrefix(d.Name(), "."):
			if d.IsDir() {
				return filepath.SkipDir
			}
			return nil
		case d.IsDir(), path != top && !IsManifest(d.Name()):
			return nil
		}
		info, err := os.Stat(path)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil || info.Mode().IsRegular() {
			found[nameBelow(root, top, path)] = located{path: path, info: info, err: err}
		}
		return nil
	})
}

// nameBelow is how the user would write a path below a root, which leads to top.
func nameBelow(root, top, path string) string {
	return filepath.Join(root, strings.TrimPrefix(path, top))
}

// IsManifest tells from its name whether a file is read.
func IsManifest(name string) bool {
	if strings.HasPrefix(filepath.Base(name), ".") {
		return false
	}
	switch strings.ToLower(filepath.Ext(name)) {
	case ".yaml", ".yml", ".json":
		return true
	}
	return false
}
