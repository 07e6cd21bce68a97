// Package varnishtest finds the real varnishd for tests, and waits for conditions.
package varnishtest

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Deadline is how long a test waits for what must come; on a busy machine compiling VCL takes seconds.
const Deadline = 60 * time.Second

// Varnishd is the path of varnishd: that of the variable VARNISHD, of PATH, or the one that
// test/varnish/fetch brings. A test that needs it fails without it.
func Varnishd(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("VARNISHD"); path != "" {
		return path
	}
	if path, err := exec.LookPath("varnishd"); err == nil {
		return path
	}
	home, err := os.UserHomeDir()
	if err == nil {
		path := filepath.Join(home, ".cache", "varnish-7.7", "bin", "varnishd")
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	t.Fatal("no varnishd: set VARNISHD, or run test/varnish/fetch")
	return ""
}

// Dir is a directory for sockets: a unix socket's path must be shorter than t.TempDir's often is.
func Dir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "vg")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// Eventually waits for a condition and fails the test, in the words of what, when it does not come.
func Eventually(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(Deadline); time.Now().Before(deadline); {
		if condition() {
			return
		}
		wait := time.NewTimer(10 * time.Millisecond)
		<-wait.C
	}
	t.Fatalf("in vain: %s", what)
}

// Get fetches a URL on a connection of its own, and gives status and body, or the error as text.
func Get(url string) string { return get(&http.Transport{DisableKeepAlives: true}, url) }

// GetOver is Get for a path, over a unix socket.
func GetOver(socket, path string) string {
	transport := &http.Transport{DisableKeepAlives: true, DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, "unix", socket)
	}}
	return get(transport, "http://localhost"+path)
}

func get(transport *http.Transport, url string) string {
	client := &http.Client{Timeout: Deadline, Transport: transport}
	response, err := client.Get(url)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%d %s", response.StatusCode, strings.TrimSpace(string(body)))
}

// Synthetic is a VCL that answers every request with the given text, and needs no backend.
func Synthetic(text string) string {
	return `vcl 4.1;
backend default none;
sub vcl_recv { return (synth(200)); }
sub vcl_synth { set resp.body = "` + text + `"; return (deliver); }
`
}
