package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/varnish-gateway/gateway/test/echo"
	"github.com/varnish-gateway/gateway/test/stack"
)

// runCheck serves a copy of the manifests on free ports, and asks what the demo promises.
func runCheck(ctx context.Context, binaries stack.Binaries, manifests, dir, state string) error {
	began := time.Now()
	free, err := freePorts()
	if err != nil {
		return err
	}
	if err := copyManifests(manifests, dir, free); err != nil {
		return err
	}
	var log bytes.Buffer
	d, err := start(ctx, binaries, demoOptions{manifests: []string{dir}, secrets: dir, state: state, ports: free, stdout: io.Discard, stderr: &log})
	if err != nil {
		return err
	}
	err = d.await(ctx)
	if err == nil {
		fmt.Printf("ok    the gateway serves after %.1f s\n", time.Since(began).Seconds())
		err = d.checkAll(ctx, dir)
	}
	if err = errors.Join(err, d.stop()); err != nil {
		return fmt.Errorf("%w\nthe gateway's log:\n%s", err, log.String())
	}
	fmt.Println("ok    everything stopped")
	return nil
}

// checkTimeout bounds one check.
const checkTimeout = 30 * time.Second

// checkAll makes every check, and fails if any of them does.
func (d *demo) checkAll(ctx context.Context, dir string) error {
	failed := 0
	for _, c := range d.checks(dir) {
		err := func() error {
			ctx, cancel := context.WithTimeout(ctx, checkTimeout)
			defer cancel()
			return c.run(ctx)
		}()
		if err != nil {
			failed++
			fmt.Printf("FAIL  %s: %v\n", c.name, err)
			continue
		}
		fmt.Printf("ok    %s\n", c.name)
	}
	if failed > 0 {
		return fmt.Errorf("%d checks failed", failed)
	}
	return nil
}

// freePorts finds five ports that nobody uses now.
func freePorts() (ports, error) {
	var p ports
	for _, to := range []*int{&p.HTTP, &p.HTTPS, &p.Hello, &p.Blue, &p.Green} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return p, err
		}
		defer l.Close()
		*to = l.Addr().(*net.TCPAddr).Port
	}
	return p, nil
}

// copyManifests copies the manifests with other ports.
func copyManifests(from, to string, p ports) error {
	files, err := filepath.Glob(filepath.Join(from, "*.yaml"))
	if err != nil {
		return err
	}
	if len(files) == 0 {
		return fmt.Errorf("no manifests in %s", from)
	}
	var pairs []string
	for _, port := range [][2]int{
		{fixedPorts.HTTP, p.HTTP}, {fixedPorts.HTTPS, p.HTTPS},
		{fixedPorts.Hello, p.Hello}, {fixedPorts.Blue, p.Blue}, {fixedPorts.Green, p.Green},
	} {
		pairs = append(pairs, strconv.Itoa(port[0]), strconv.Itoa(port[1]))
	}
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		text := strings.NewReplacer(pairs...).Replace(string(data))
		if err := os.WriteFile(filepath.Join(to, filepath.Base(file)), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// answer of the gateway.
type answer struct {
	status   int
	protocol string
	headers  http.Header
	// seen is what the service saw; zero where the gateway answered by itself.
	seen echo.Seen
}

func (d *demo) get(ctx context.Context, client *http.Client, url string, headers ...string) (answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return answer{}, err
	}
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	a := answer{status: response.StatusCode, protocol: response.Proto, headers: response.Header}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return a, err
	}
	if response.StatusCode == http.StatusOK {
		err = json.Unmarshal(body, &a.seen)
	}
	return a, err
}
