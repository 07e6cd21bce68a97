package peers

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// The peers beside the gateway. Their configurations are in configs/.
var (
	nginx   = peer{"nginx", startNginx}
	haproxy = peer{"haproxy", startHAProxy}
	envoy   = peer{"envoy", startEnvoy}
	varnish = peer{"varnish", startVarnish}
)

func startNginx(_ context.Context, tools Tools, s site) (server, error) {
	if err := s.renderAll("nginx.conf", "nginx.conf", "nginx-routes.conf", "routes.conf"); err != nil {
		return nil, err
	}
	p, err := startProgram(s, tools.Nginx, "-p", s.Directory, "-c", "nginx.conf")
	if err != nil {
		return nil, err
	}
	p.renew = func(hosts []string) error {
		s.Hosts = hosts
		if err := s.render("nginx-routes.conf", "routes.conf"); err != nil {
			return err
		}
		return p.child.Signal(syscall.SIGHUP)
	}
	return p, nil
}

func startHAProxy(_ context.Context, tools Tools, s site) (server, error) {
	if err := s.renderAll("haproxy.cfg", "haproxy.cfg", "haproxy-hosts.map", "hosts.map"); err != nil {
		return nil, err
	}
	p, err := startProgram(s, tools.HAProxy, "-W", "-db", "-f", "haproxy.cfg")
	if err != nil {
		return nil, err
	}
	p.renew = func(hosts []string) error {
		s.Hosts = hosts
		if err := s.render("haproxy-hosts.map", "hosts.map"); err != nil {
			return err
		}
		return p.child.Signal(syscall.SIGUSR2)
	}
	return p, nil
}

func startEnvoy(_ context.Context, tools Tools, s site) (server, error) {
	if err := s.renderAll("envoy-routes.yaml", "routes.yaml", "envoy.yaml", "envoy.yaml"); err != nil {
		return nil, err
	}
	p, err := startProgram(s, tools.Envoy, "-c", "envoy.yaml", "--concurrency", fmt.Sprint(s.Cores), "--disable-hot-restart", "-l", "warn")
	if err != nil {
		return nil, err
	}
	// Envoy watches the directory for a file that is moved into place.
	p.renew = func(hosts []string) error {
		s.Hosts = hosts
		return s.render("envoy-routes.yaml", "routes.yaml")
	}
	return p, nil
}

func startVarnish(_ context.Context, tools Tools, s site) (server, error) {
	if err := s.render("varnish.vcl", "site.vcl"); err != nil {
		return nil, err
	}
	workdir := filepath.Join(s.Directory, "varnishd")
	p, err := startProgram(s, tools.Gateway.Varnishd, "-F", "-n", workdir, "-a", s.HTTP.String(),
		"-f", filepath.Join(s.Directory, "site.vcl"), "-s", "malloc,256m", "-p", "timeout_idle=300", "-p", "listen_depth=4096")
	if err != nil {
		return nil, err
	}
	loaded := 0
	p.renew = func(hosts []string) error {
		s.Hosts = hosts
		loaded++
		name := fmt.Sprintf("site-%d", loaded)
		if err := s.render("varnish.vcl", name+".vcl"); err != nil {
			return err
		}
		for _, command := range [][]string{{"vcl.load", name, filepath.Join(s.Directory, name+".vcl")}, {"vcl.use", name}} {
			args := append([]string{"-n", workdir}, command...)
			if output, err := exec.Command(tools.Varnishadm, args...).CombinedOutput(); err != nil {
				return fmt.Errorf("varnishadm %s: %w: %s", strings.Join(command, " "), err, output)
			}
		}
		return nil
	}
	return p, nil
}

// startOrigin runs what all peers ask.
func startOrigin(tools Tools, s site) (server, error) {
	if err := s.render("origin.conf", "nginx.conf"); err != nil {
		return nil, err
	}
	bodies := filepath.Join(s.Directory, "files", "bodies")
	if err := os.MkdirAll(bodies, 0o755); err != nil {
		return nil, err
	}
	for name, size := range bodySizes {
		if err := os.WriteFile(filepath.Join(bodies, name), []byte(strings.Repeat("x", size)), 0o644); err != nil {
			return nil, err
		}
	}
	return startProgram(s, tools.Nginx, "-p", s.Directory, "-c", "nginx.conf")
}

// bodySizes are the files of the origin, in bytes. Every other path answers with 31 bytes.
var bodySizes = map[string]int{"10kB": 10_000, "100kB": 100_000, "1MB": 1_000_000}
