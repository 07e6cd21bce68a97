package manifest

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"slices"
	"syscall"
	"time"
)

// stamp tells whether a file changed since it was read.
type stamp struct {
	size    int64
	changed time.Time
	inode   uint64
	// recent says that the file was read so soon after its last change that another one could carry the
	// same time.
	recent bool
}

// clockGrain is how far apart two changes must be for every file system to tell their times apart.
const clockGrain = 2 * time.Second

func stampOf(info fs.FileInfo, now time.Time) stamp {
	s := stamp{size: info.Size(), changed: info.ModTime(), recent: now.Sub(info.ModTime()) < clockGrain}
	if sys, ok := info.Sys().(*syscall.Stat_t); ok {
		s.inode = sys.Ino
	}
	return s
}

// same tells whether a file that now looks like other surely has the content that was read.
func (s stamp) same(other stamp) bool {
	return !s.recent && s.size == other.size && s.inode == other.inode && s.changed.Equal(other.changed)
}

// file is what is known of one file: what it holds now, and the last good form of each of its objects.
type file struct {
	stamp stamp
	// documents by the digest of their text, so that one change in a file of thousands parses one document.
	documents map[[sha256.Size]byte]parsed
	// good are the objects that serve.
	good     map[Key]entry
	problems []Problem
	ignored  map[string]int
	// emptied is when the file was first seen empty that holds what it held before; zero for every other file.
	emptied time.Time
}

// EmptyPause is how long a file that held objects must have been empty for its objects to go: whoever saves a file may
// empty it first, and write it only then.
const EmptyPause = 250 * time.Millisecond

// readFile reads a file again; old is what was known of it, or nil. The files of old are not changed.
func (p parser) readFile(path, name string, info fs.FileInfo, old *file, now time.Time) *file {
	next := &file{stamp: stampOf(info, now), documents: map[[sha256.Size]byte]parsed{}, good: map[Key]entry{}, ignored: map[string]int{}}
	if old == nil {
		old = &file{}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return unread(name, err, old)
	}
	if len(data) == 0 && old.outlasts(now) {
		return old.kept(next.stamp, now)
	}
	text, err := decodeText(data)
	if err != nil {
		next.problems = []Problem{{Source: Source{File: name}, Message: err.Error()}}
		next.good = old.good
		return next
	}
	keep := map[Key]bool{}
	broken := false
	for _, doc := range split(text) {
		digest := sha256.Sum256(doc.text)
		result, known := old.documents[digest]
		if !known {
			result = p.parse(doc.text)
		}
		next.documents[digest] = result
		broken = next.take(doc, name, result, keep) || broken
	}
	next.fallBack(old.good, keep, broken)
	return next
}

// unread is a file that cannot be read now, or a directory: what is known of it goes on serving.
func unread(name string, err error, old *file) *file {
	next := &file{
		stamp: stamp{recent: true}, problems: []Problem{{Source: Source{File: name}, Message: err.Error()}}, ignored: map[string]int{},
	}
	if old != nil {
		next.good = old.good
	}
	return next
}

// outlasts tells whether a file's objects stay although it is empty now.
func (f *file) outlasts(now time.Time) bool {
	return len(f.good) > 0 && (f.emptied.IsZero() || now.Sub(f.emptied) < EmptyPause)
}

// kept is the file as it was known before it was emptied. It is to be read again, whatever its stamp says.
func (f *file) kept(at stamp, now time.Time) *file {
	next := *f
	next.stamp = at
	next.stamp.recent = true
	if next.emptied.IsZero() {
		next.emptied = now
	}
	return &next
}

// take adds what a document holds. It notes in keep the objects whose last good form must go on serving, and
// tells whether the document cannot be read at all.
func (f *file) take(doc document, name string, result parsed, keep map[Key]bool) bool {
	begin := Source{File: name, Line: doc.line}
	for _, kind := range result.ignored {
		f.ignored[kind]++
	}
	for _, object := range result.objects {
		source := begin
		source.Line += object.line
		for _, found := range object.violations {
			f.problems = append(f.problems, Problem{Source: source, Object: object.key.String(), Field: found.field, Message: found.message})
		}
		switch first, twice := f.good[object.key]; {
		case object.object == nil:
			keep[object.key] = true
		case twice:
			f.problems = append(f.problems, duplicate(source, object.key, first.source))
		default:
			f.good[object.key] = entry{key: object.key, object: object.object, source: source}
		}
	}
	if result.broken != "" {
		f.problems = append(f.problems, Problem{Source: begin, Message: doc.inFile(result.broken)})
	}
	return result.broken != ""
}

// fallBack keeps the last good form of objects that are broken now. Where a document cannot be read, nobody
// can tell which objects it was meant to hold: then everything that the file held before stays.
func (f *file) fallBack(last map[Key]entry, keep map[Key]bool, broken bool) {
	for key, old := range last {
		if _, now := f.good[key]; !now && (broken || keep[key]) {
			f.good[key] = old
		}
	}
}

func duplicate(at Source, key Key, first Source) Problem {
	return Problem{Source: at, Object: key.String(), Message: fmt.Sprintf("already defined in %s, which is used", first)}
}

// keys of the objects that serve, in a fixed order.
func (f *file) keys() []Key {
	return slices.SortedFunc(maps.Keys(f.good), Key.compare)
}
