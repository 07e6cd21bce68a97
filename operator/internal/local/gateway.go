package local

import (
	"crypto/rand"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// Key identifies a Gateway.
type Key struct {
	Namespace, Name string
}

// String is the key as chaperone's --gateway takes it.
func (k Key) String() string { return k.Namespace + "/" + k.Name }

// files are what one Gateway's chaperone reads, as its pod would find them mounted.
type files struct {
	dir    string
	config *mount
	shards *mount
	tls    *mount
}

// Directories below that of the Gateway: of routing.json and VCL, of its shards, and of the certificates.
const (
	configDir = "config"
	shardsDir = "shards"
	tlsDir    = "tls"
)

// openFiles takes over what an earlier run left, so that sequences continue.
func openFiles(dir string) (*files, error) {
	f := &files{dir: dir}
	var err error
	for _, m := range []struct {
		to   **mount
		name string
		mode fs.FileMode
	}{{&f.config, configDir, 0o600}, {&f.shards, shardsDir, 0o600}, {&f.tls, tlsDir, 0o600}} {
		if *m.to, err = openMount(filepath.Join(dir, m.name), m.mode); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(f.workDir(), 0o700); err != nil {
		return nil, err
	}
	return f, f.newToken()
}

func (f *files) workDir() string   { return filepath.Join(f.dir, "run") }
func (f *files) tokenFile() string { return filepath.Join(f.dir, "token") }

// newToken makes the credential of the admin API.
func (f *files) newToken() error {
	return replaceFile(f.tokenFile(), []byte(rand.Text()), 0o600)
}

func (f *files) token() (string, error) {
	data, err := os.ReadFile(f.tokenFile())
	return strings.TrimSpace(string(data)), err
}

// adminFile says which Gateway it is and where its admin API is, for as long as its chaperone runs.
func (f *files) adminFile() string { return filepath.Join(f.dir, adminFile) }

// adminFile is its name.
const adminFile = "admin"

// routing and vcl are the live content, from which the next one continues its sequence.
func (f *files) routing() []byte { return f.config.live[gatewaypod.RoutingKey] }
func (f *files) vcl() []byte     { return f.config.live[gatewaypod.VCLKey] }

// write publishes a configuration. Shards and certificates come before routing.json, which names them.
func (f *files) write(c configuration) error {
	shards := make(map[string][]byte, len(c.shards))
	for name, data := range c.shards {
		shards[name+".json"] = data
	}
	if err := f.tls.write(c.certificates); err != nil {
		return err
	}
	if err := f.shards.write(shards); err != nil {
		return err
	}
	return f.config.write(map[string][]byte{gatewaypod.RoutingKey: c.routing, gatewaypod.VCLKey: c.vcl})
}

// configuration is what a Gateway is to run.
type configuration struct {
	routing      []byte
	shards       map[string][]byte
	vcl          []byte
	certificates map[string][]byte
}

// presented are the certificates that Gateways present now, or presented when an earlier run ended. What is wrong with the
// directory of one is told when it is opened.
func (r *Runner) presented(gateways []*gatewayv1.Gateway) map[string]map[string][]byte {
	all := map[string]map[string][]byte{}
	for _, object := range gateways {
		key := Key{object.Namespace, object.Name}
		if g := r.gateways[key]; g != nil && g.files != nil {
			all[key.String()] = g.files.tls.live
		} else if live, err := readMount(filepath.Join(r.State.gatewayDir(key), tlsDir)); err == nil {
			all[key.String()] = live
		}
	}
	return all
}
