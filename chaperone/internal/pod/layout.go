package pod

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"

	"github.com/varnish-gateway/gateway/chaperone/internal/options"
	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/chaperone/internal/supervise"
)

// layout says where things are in the working directory.
type layout struct {
	// varnish is varnishd's working directory, vcl where it loads VCL from, check where VCL is compiled
	// that is only to be checked.
	varnish, vcl, check string
	// secret is the file with varnishd's CLI secret.
	secret string
	// reload is ghost's unix socket.
	reload string
}

// makeLayout makes the directories. Paths are absolute, since varnishd changes its directory.
func makeLayout(workDir string) (layout, error) {
	root, err := filepath.Abs(workDir)
	if err != nil {
		return layout{}, fmt.Errorf("finding the working directory: %w", err)
	}
	l := layout{
		varnish: filepath.Join(root, "varnish"), vcl: filepath.Join(root, "vcl"), check: filepath.Join(root, "check"),
		secret: filepath.Join(root, "secret"), reload: socket.UnixPath(root, socket.Reload),
	}
	// What an earlier check left would only use up memory.
	if err := os.RemoveAll(l.check); err != nil {
		return layout{}, fmt.Errorf("clearing the working directory: %w", err)
	}
	for _, dir := range []string{l.varnish, l.vcl, l.check} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return layout{}, fmt.Errorf("making the working directory: %w", err)
		}
	}
	return l, nil
}

// varnishd says how varnishd is started.
func (l layout) varnishd(o options.Options) supervise.Options {
	root := filepath.Dir(l.varnish)
	v := supervise.Options{
		WorkDir: l.varnish, SecretFile: l.secret, VMODPath: o.VMODPath, VCLPath: l.vcl, Extra: o.VarnishdArgs,
		IdleTimeout: o.IdleTimeout, BackendRequests: o.MaxBackendRequests, TLSConnections: o.MaxTLSConnections,
		// Go's runtime heeds the container's limit of CPU time.
		Processors: runtime.GOMAXPROCS(0),
	}
	for _, s := range o.Sockets {
		v.Sockets = append(v.Sockets, s.Argument(o.Address, root))
	}
	v.Sockets = append(v.Sockets, socket.ReloadArgument(root))
	return v
}

// ghostEnvironment is what ghost reads of the flags when varnishd's child starts.
func ghostEnvironment(o options.Options) []string {
	environment := []string{
		"GHOST_MAX_BACKEND_REQUESTS=" + strconv.Itoa(o.MaxBackendRequests),
		"GHOST_REQUEST_TIMEOUT_MS=" + strconv.FormatInt(o.RequestTimeout.Milliseconds(), 10),
	}
	if o.MaxBackendRequestsPerService > 0 {
		environment = append(environment, "GHOST_MAX_BACKEND_REQUESTS_PER_SERVICE="+strconv.Itoa(o.MaxBackendRequestsPerService))
	}
	return environment
}

// beside finds a program of Varnish in the directory of varnishd, or in PATH.
func beside(varnishd, name string) string {
	if path, err := exec.LookPath(varnishd); err == nil {
		candidate := filepath.Join(filepath.Dir(path), name)
		if _, err := os.Stat(candidate); err == nil {
			return candidate
		}
	}
	return name
}
