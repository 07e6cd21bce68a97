package apply

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/varnish-gateway/gateway/operator/internal/backoff"
)

// correctAgain is when an object is put right again that somebody changes back again and again.
var correctAgain = backoff.Backoff{First: time.Second, Last: 5 * time.Minute}

const (
	// calm is how long nobody must have changed it for the next correction to be as good as the first.
	calm = 10 * time.Minute
	// contestedFrom is the number of corrections from which on it is reported.
	contestedFrom = 4
)

// ContestedError says that somebody else (a person, a controller, an admission webhook) changes fields of ours again each time that they
// are put right. They are put right less and less often then.
type ContestedError struct {
	// Object by kind, namespace and name.
	Object string
	Fields []string
	// Again is when it is time for the next try, counted from now.
	Again time.Duration
	// Missing says that the object is not there: what is changed is that it is.
	Missing    bool
	persistent bool
}

// Error implements error.
func (e *ContestedError) Error() string {
	if e.Missing {
		return e.Object + ": somebody else deletes it each time that it is made"
	}
	return fmt.Sprintf("%s: somebody else changes %s each time that it is put right", e.Object, strings.Join(e.Fields, ", "))
}

// Persistent says whether it has happened so often that it is no coincidence.
func (e *ContestedError) Persistent() bool { return e.persistent }

// Corrections remember which fields of which objects were put right, and when. The zero value is ready. It is safe for concurrent
// use.
type Corrections struct {
	mu     sync.Mutex
	known  map[string]*written
	tidied time.Time
	// now is the clock; time.Now where it is nil.
	now func() time.Time
}

// written is what is known of one object.
type written struct {
	// digest of what was written last.
	digest string
	last   time.Time
	fields map[string]*correction
	// before is what was known when it was last to be written.
	before *written
}

// correction of one field.
type correction struct {
	last time.Time
	// pause is how long to wait after the last one, and backoff what follows.
	pause   time.Duration
	backoff backoff.Backoff
	count   int
}

// Begin says that a field of an object is to be written over one that differs, and by a digest what
// we have to say there, whatever others say beside it. An error says that somebody else has
// overwritten the same again and again, and that it is too early to write it once more.
func (c *Corrections) Begin(object, digest, field string) error {
	return c.begin(object, digest, false, []difference{{path: field}})
}

// Failed says that a field could not be written, after Begin.
func (c *Corrections) Failed(object string) { c.failed(object) }

// beginAnew is Begin for an object that is not there. The second time, somebody has deleted it.
func (c *Corrections) beginAnew(object, digest string) error {
	err := c.begin(object, digest, false, []difference{{path: existence}})
	var contested *ContestedError
	if errors.As(err, &contested) {
		contested.Missing = true
	}
	return err
}

// existence is the path of an object as a whole.
const existence = "(the object)"

// begin says that an object is to be written over one that differs. corrects says that the live one shows that the same was
// written before. An error says that it is too early to put any of the fields right again.
func (c *Corrections) begin(object, digest string, corrects bool, differences []difference) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.time()
	known := c.of(object, now)
	known.before = known.clone()
	if known.digest != digest && !corrects {
		*known = written{digest: digest, last: now, fields: map[string]*correction{}, before: known.before}
		return nil
	}
	known.digest = digest
	fields := pathsOf(differences)
	wait := correctAgain.Last
	for _, field := range fields {
		wait = min(wait, known.field(field).remains(now))
	}
	if wait > 0 {
		return known.contested(object, fields, wait)
	}
	known.note(fields, now)
	return nil
}

// failed says that an object could not be written, after begin: nothing was put right.
func (c *Corrections) failed(object string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[object]; known != nil && known.before != nil {
		c.known[object] = known.before
	}
}

// deleted says that we have deleted an object by ourselves: to make it again is another wish.
func (c *Corrections) deleted(object string) {
	if c == nil {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.known[object]; known != nil {
		delete(known.fields, existence)
		known.digest = ""
	}
}

// undone says that fields are not as desired right after they were written, since admission has changed them.
func (c *Corrections) undone(object, digest string, differences []difference) error {
	if c == nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.time()
	known := c.of(object, now)
	known.digest = digest
	fields := pathsOf(differences)
	wait := correctAgain.Last
	for _, field := range fields {
		f := known.field(field)
		if f.remains(now) <= 0 {
			f.note(now)
		}
		f.count = max(f.count, contestedFrom)
		wait = min(wait, f.remains(now))
	}
	return known.contested(object, fields, wait)
}

// of an object what is known; what has been calm is forgotten. It is called with the lock held.
func (c *Corrections) of(object string, now time.Time) *written {
	if c.known == nil {
		c.known = map[string]*written{}
	}
	if now.Sub(c.tidied) > time.Minute {
		c.tidied = now
		for object, known := range c.known {
			if now.Sub(known.last) > calm {
				delete(c.known, object)
			}
		}
	}
	if c.known[object] == nil {
		c.known[object] = &written{fields: map[string]*correction{}}
	}
	known := c.known[object]
	known.last = now
	return known
}

func (w *written) clone() *written {
	clone := &written{digest: w.digest, last: w.last, fields: make(map[string]*correction, len(w.fields))}
	for path, f := range w.fields {
		of := *f
		clone.fields[path] = &of
	}
	return clone
}

func (w *written) field(path string) *correction {
	if w.fields[path] == nil {
		w.fields[path] = &correction{}
	}
	return w.fields[path]
}

func (w *written) note(fields []string, now time.Time) {
	for _, path := range fields {
		w.field(path).note(now)
	}
}

func (w *written) contested(object string, fields []string, again time.Duration) error {
	persistent := slices.DeleteFunc(slices.Clone(fields), func(path string) bool { return w.field(path).count < contestedFrom })
	if len(persistent) > 0 {
		fields = persistent
	}
	return &ContestedError{Object: object, Fields: fields, Again: again, persistent: len(persistent) > 0}
}

// remains is how long it is until the field may be put right again.
func (k *correction) remains(now time.Time) time.Duration { return k.pause - now.Sub(k.last) }

func (k *correction) note(now time.Time) {
	if now.Sub(k.last) > calm {
		k.backoff, k.count = correctAgain, 0
	}
	k.pause = k.backoff.Next()
	k.count++
	k.last = now
}

func (c *Corrections) time() time.Time {
	if c.now != nil {
		return c.now()
	}
	return time.Now()
}

func pathsOf(differences []difference) []string {
	var paths []string
	for _, d := range differences {
		paths = append(paths, d.path)
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}
