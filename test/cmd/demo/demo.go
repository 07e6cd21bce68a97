package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"

	"github.com/varnish-gateway/gateway/test/await"
	"github.com/varnish-gateway/gateway/test/certificate"
	"github.com/varnish-gateway/gateway/test/echo"
	"github.com/varnish-gateway/gateway/test/stack"
)

// ports of the demo, as its manifests have them or as they are free.
type ports struct {
	HTTP, HTTPS, Hello, Blue, Green int
}

// fixedPorts are those of examples/demo.
var fixedPorts = ports{HTTP: 8080, HTTPS: 8443, Hello: 18081, Blue: 18082, Green: 18083}

// demo is a gateway with its services.
type demo struct {
	ports       ports
	certificate certificate.Pair
	stack       *stack.Stack
	gatewayctl  string
	state       string
	stopEcho    context.CancelFunc
	services    sync.WaitGroup
}

type demoOptions struct {
	manifests []string
	// secrets is one of the manifests' directories, where the certificate is put.
	secrets string
	// state is the state directory of gatewayctl.
	state          string
	ports          ports
	stdout, stderr io.Writer
}

// start runs the services and the gateway.
func start(ctx context.Context, binaries stack.Binaries, options demoOptions) (*demo, error) {
	pair, err := certificate.SelfSigned("demo.localhost")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(options.secrets, "certificate.yaml"), []byte(pair.Secret("demo-certificate")), 0o600); err != nil {
		return nil, err
	}
	d := &demo{ports: options.ports, certificate: pair, gatewayctl: binaries.Gatewayctl, state: options.state}
	// The services outlive the interrupt: requests in flight still need them while the gateway drains.
	services, cancel := context.WithCancel(context.WithoutCancel(ctx))
	d.stopEcho = cancel
	for name, port := range map[string]int{"hello": d.ports.Hello, "blue": d.ports.Blue, "green": d.ports.Green} {
		if err := d.startService(services, name, port); err != nil {
			return nil, errors.Join(err, d.stop())
		}
	}
	d.stack, err = stack.Start(stack.Options{
		Binaries: binaries, Manifests: options.manifests, StateDir: options.state, Stdout: options.stdout, Stderr: options.stderr,
	})
	if err != nil {
		return nil, errors.Join(err, d.stop())
	}
	return d, nil
}

func (d *demo) startService(ctx context.Context, name string, port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return fmt.Errorf("service %s: %w", name, err)
	}
	d.services.Go(func() {
		if err := echo.Serve(ctx, l, echo.Options{Service: name}); err != nil {
			fmt.Fprintf(os.Stderr, "service %s: %v\n", name, err)
		}
	})
	return nil
}

// stop ends the gateway, and then the services.
func (d *demo) stop() error {
	var err error
	if d.stack != nil {
		err = d.stack.Stop()
	}
	d.stopEcho()
	d.services.Wait()
	return err
}

// await waits until both listeners serve.
func (d *demo) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for _, url := range []string{d.url("/hello"), d.secureURL("/secure")} {
		err := await.Success(ctx, url, func() error {
			select {
			case <-d.stack.Done():
				cancel()
			default:
			}
			answer, err := d.get(ctx, d.client(), url)
			if err == nil && answer.status != http.StatusOK {
				err = fmt.Errorf("status %d", answer.status)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (d *demo) url(path string) string {
	return fmt.Sprintf("http://demo.localhost:%d%s", d.ports.HTTP, path)
}

func (d *demo) secureURL(path string) string {
	return fmt.Sprintf("https://demo.localhost:%d%s", d.ports.HTTPS, path)
}

// client is a browser's: it speaks what the server offers, but follows no redirect. Names resolve to the loopback.
func (d *demo) client(protocols ...func(*http.Protocols)) *http.Client {
	offered := new(http.Protocols)
	for _, set := range protocols {
		set(offered)
	}
	if len(protocols) == 0 {
		offered = nil
	}
	dialer := net.Dialer{}
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				_, port, err := net.SplitHostPort(address)
				if err != nil {
					return nil, err
				}
				return dialer.DialContext(ctx, network, net.JoinHostPort("127.0.0.1", port))
			},
			TLSClientConfig: &tls.Config{RootCAs: d.certificate.Pool()}, Protocols: offered, DisableKeepAlives: true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
