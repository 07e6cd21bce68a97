package source

import (
	"bytes"
	"context"
	"maps"
	"strings"
	"time"

	"go.uber.org/zap"
	"k8s.io/utils/clock"

	"github.com/varnish-gateway/gateway/chaperone/internal/retry"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// Files are directories: mounted volumes in a pod, or what a user edits. A directory that is named "" is
// not read.
type Files struct {
	// ConfigDir holds routing.json and main.vcl, ShardsDir the shards, TLSDir certificates and keys.
	ConfigDir, ShardsDir, TLSDir string
	// EndpointsDir holds manifests of EndpointSlices.
	EndpointsDir string
	// TicketKeysDir holds keys of session tickets, which SetTicketKeys is told of, the newest first.
	TicketKeysDir string
	SetTicketKeys func(keys [][]byte)
	// Log tells of directories that cannot be watched; nil for no log.
	Log *zap.Logger
	// watch makes a watcher; newWatcher where it is nil.
	watch func(dirs ...string) (*watcher, error)
}

// Follow implements Source: the files hold what they hold.
func (f Files) Follow([]string) {}

// Run implements Source. Directories that cannot be watched, as when the kernel's limit of watches is reached, are
// read again and again until they can.
func (f Files) Run(ctx context.Context, sink Sink) error {
	if f.Log == nil {
		f.Log = zap.NewNop()
	}
	if f.watch == nil {
		f.watch = newWatcher
	}
	if f.EndpointsDir == "" {
		sink.Take(Update{Synced: []string{EveryNamespace}})
	}
	readers := readers{sink: sink, all: []reader{
		newConfigReader(f.ConfigDir, f.ShardsDir),
		&pairsReader{place: place{dir: f.TLSDir, name: PlaceCertificates}},
		&slicesReader{place: place{dir: f.EndpointsDir, name: PlaceEndpoints}, now: time.Now},
		&ticketKeysReader{place: place{dir: f.TicketKeysDir, name: PlaceTicketKeys}, set: f.SetTicketKeys},
	}}
	backoff := retry.Backoff{First: time.Second, Longest: 10 * time.Second, Steady: time.Minute}
	said := ""
	for {
		began := time.Now()
		err := f.watched(ctx, readers)
		if ctx.Err() != nil {
			return nil
		}
		if text := err.Error(); text != said {
			said = text
			f.Log.Warn("directories cannot be watched, and are read every few seconds", zap.Error(err))
		}
		readers.read()
		retry.Sleep(ctx, clock.RealClock{}, backoff.After(time.Since(began)))
	}
}

// watched reads the directories whenever they change, until they cannot be watched any more or ctx ends.
func (f Files) watched(ctx context.Context, readers readers) error {
	watcher, err := f.watch(f.ConfigDir, f.ShardsDir, f.TLSDir, f.EndpointsDir, f.TicketKeysDir)
	if err != nil {
		return err
	}
	defer watcher.close()
	for {
		var again <-chan time.Time
		if readers.read() {
			again = time.After(doubtFor)
		}
		if err := watcher.wait(ctx, again); err != nil {
			return err
		}
	}
}

// reader reads its directories, and adds to an Update what has changed. It says whether it is to be asked again after
// doubtFor, although nothing changes.
type reader interface{ read(u *Update) (again bool) }

// readers tell a sink what all of them have read, at once.
type readers struct {
	sink Sink
	all  []reader
}

func (r readers) read() (again bool) {
	var u Update
	for _, reader := range r.all {
		again = reader.read(&u) || again
	}
	if !u.isEmpty() {
		r.sink.Take(u)
	}
	return again
}

// place is a directory that is read again and again.
type place struct {
	dir, name string
	files     map[string][]byte
	// known says that files were read, unreadable that they could not be the last time.
	known, unreadable bool
}

// changed reads the directory and says whether its content is another one. Where it cannot be read, the
// content stays, and that is reported.
func (p *place) changed(u *Update) bool {
	if p.dir == "" {
		return false
	}
	files, err := readDirectory(p.dir)
	if err != nil {
		p.unreadable = true
		u.report(p.name, err.Error())
		return false
	}
	if p.unreadable {
		p.unreadable = false
		u.report(p.name, "")
	}
	if p.known && maps.EqualFunc(files, p.files, bytes.Equal) {
		return false
	}
	p.files, p.known = files, true
	return true
}

// configReader reads the ConfigMaps.
type configReader struct{ config, shards place }

func newConfigReader(configDir, shardsDir string) *configReader {
	return &configReader{
		config: place{dir: configDir, name: PlaceConfig},
		shards: place{dir: shardsDir, name: PlaceShards},
	}
}

func (r *configReader) read(u *Update) (again bool) {
	// The shards first: they are written first, so a head that is read after them finds them.
	shards, config := r.shards.changed(u), r.config.changed(u)
	if !shards && !config {
		return false
	}
	c := Config{Routing: r.config.files[gatewaypod.RoutingKey], Main: r.config.files[gatewaypod.VCLKey], Shards: map[string][]byte{}}
	for file, data := range r.shards.files {
		if name, ok := strings.CutSuffix(file, gatewaypod.ShardExtension); ok {
			c.Shards[name] = data
		}
	}
	u.Config = &c
	return false
}

// pairsReader reads the TLS Secret.
type pairsReader struct{ place }

func (r *pairsReader) read(u *Update) (again bool) {
	if r.changed(u) {
		u.Pairs = pairsOf(r.files)
	}
	return false
}

// pairsOf are the certificates among the keys of a Secret. Half of a pair is a pair too: its name can be
// told to whoever forgot the other half.
func pairsOf(files map[string][]byte) Pairs {
	pairs := Pairs{}
	for file, data := range files {
		if name, ok := strings.CutSuffix(file, gatewaypod.CertificateExtension); ok {
			pair := pairs[name]
			pair.Certificate = data
			pairs[name] = pair
		}
		if name, ok := strings.CutSuffix(file, gatewaypod.CertificateKeyExtension); ok {
			pair := pairs[name]
			pair.Key = data
			pairs[name] = pair
		}
	}
	return pairs
}
