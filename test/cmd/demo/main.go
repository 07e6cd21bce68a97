// Command demo runs a gateway with example services on this machine and says what to curl. With --check it asks the
// questions itself, on ports that nobody uses, and exits with 1 if an answer is wrong.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/varnish-gateway/gateway/test/stack"
)

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	manifests := flag.String("manifests", "examples/demo", "directory with the manifests")
	check := flag.Bool("check", false, "check the answers, and exit")
	flag.Parse()
	binaries, err := stack.FindBinaries(buildDir())
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "gateway-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	// The path of a socket is short: so must be that of the state directory.
	state, err := os.MkdirTemp("", "gw-demo-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(state)
	if *check {
		return runCheck(ctx, binaries, *manifests, dir, state)
	}
	return serve(ctx, binaries, *manifests, dir, state)
}

// buildDir is where this program, and those that it starts, were built.
func buildDir() string {
	self, err := os.Executable()
	if err != nil {
		return "build"
	}
	return filepath.Dir(filepath.Dir(self))
}

// startTimeout is how long the gateway may take to answer: two varnishds and a VCL compiler start.
const startTimeout = 60 * time.Second

// serve keeps the demo running until the user ends it.
func serve(ctx context.Context, binaries stack.Binaries, manifests, dir, state string) error {
	d, err := start(ctx, binaries, demoOptions{
		manifests: []string{manifests, dir}, secrets: dir, state: state, ports: fixedPorts, stdout: os.Stdout, stderr: os.Stderr,
	})
	if err != nil {
		return err
	}
	if err := d.await(ctx); err != nil {
		return errors.Join(err, d.stop())
	}
	fmt.Printf(whatToCurl, binaries.Gatewayctl, state, manifests)
	select {
	case <-ctx.Done():
	case <-d.stack.Done():
	}
	return d.stop()
}

const whatToCurl = `
The gateway serves. In another terminal:

  curl -i http://demo.localhost:8080/hello                          a service, with a header more (X-Demo) and one in the answer
  curl -i http://demo.localhost:8080/rewrite/x                      /hello/x to the service
  for i in 1 2 3 4 5; do curl -s http://demo.localhost:8080/split | grep service; done
                                                                    four times blue, once green
  curl -i http://demo.localhost:8080/secure                         a redirect to HTTPS
  curl -ik https://demo.localhost:8443/secure                       HTTPS, with HTTP/2
  curl -i http://demo.localhost:8080/cached                         twice: Cache-Status says that the second is a hit
  %s purge --state-dir %s --url http://demo.localhost/cached
                                                                    and the next one is fetched anew

Change %s/routes.yaml and save it: it takes effect at once. Ctrl-C ends it all.

`
