//go:build apiserver

package controller

import (
	"bufio"
	"bytes"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/varnish-gateway/gateway/test/process"
)

// image is what gateways run where nothing else is said.
const image = "registry.example/gateway:1"

// operator is a run of the operator.
type operator struct {
	cmd     *exec.Cmd
	health  string
	metrics string
	log     string
	ended   chan error
}

// startOperator runs the operator until the test ends, and waits until it works.
func startOperator(t *testing.T, args ...string) *operator {
	t.Helper()
	o := launchOperator(t, cluster.kubeconfig, args...)
	eventually(t, "the operator to be ready", func() error { return o.probe("/readyz") })
	return o
}

// launchOperator runs the operator until the test ends.
func launchOperator(t *testing.T, kubeconfig string, args ...string) *operator {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join(binDirectory(), "operator"))
	require.NoError(t, err)
	_, err = os.Stat(binary)
	require.NoError(t, err, "run: make build")
	o := &operator{
		health: freeAddress(t), metrics: freeAddress(t), log: filepath.Join(t.TempDir(), "operator.log"), ended: make(chan error, 1),
	}
	output, err := os.Create(o.log)
	require.NoError(t, err)
	o.cmd = exec.Command(binary, append([]string{
		"--gateway-image=" + image, "--health-address=" + o.health, "--metrics-address=" + o.metrics, "--log-level=debug",
	}, args...)...)
	o.cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	o.cmd.Stdout, o.cmd.Stderr = output, output
	o.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	require.NoError(t, o.cmd.Start())
	go func() {
		o.ended <- o.cmd.Wait()
		output.Close()
	}()
	t.Cleanup(func() { o.stop(t) })
	return o
}

// probe asks as the kubelet does.
func (o *operator) probe(path string) error {
	response, err := http.Get("http://" + o.health + path)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", path, response.Status)
	}
	return nil
}

// stop tells the operator to stop, and expects it to do so in order.
func (o *operator) stop(t *testing.T) {
	t.Helper()
	if o.cmd == nil {
		return
	}
	require.NoError(t, o.cmd.Process.Signal(syscall.SIGTERM))
	select {
	case err := <-o.ended:
		assert.NoError(t, err, "the operator stops in order; its log:\n%s", o.tail())
	case <-time.After(patience):
		assert.NoError(t, o.cmd.Process.Kill())
		<-o.ended
		assert.Fail(t, "the operator did not stop", o.tail())
	}
	o.cmd = nil
}

// begun waits until the operator has begun a number of times, by itself, and works.
func (o *operator) begun(t *testing.T, times int) {
	t.Helper()
	eventually(t, fmt.Sprintf("the operator to have begun %d times", times), func() error {
		log, err := os.ReadFile(o.log)
		require.NoError(t, err)
		if begun := bytes.Count(log, []byte(`"msg":"starting","version"`)); begun != times {
			return fmt.Errorf("it has begun %d times; its log:\n%s", begun, o.tail())
		}
		return o.probe("/readyz")
	})
}

func (o *operator) tail() string {
	data, _ := os.ReadFile(o.log)
	return string(data[max(0, len(data)-4000):])
}

// writes are what the operator has written since it started, by kind and operation.
func (o *operator) writes(t *testing.T) []string {
	t.Helper()
	var lines []string
	for _, line := range o.scrape(t) {
		if strings.HasPrefix(line, "varnish_gateway_operator_writes_total{") {
			lines = append(lines, line)
		}
	}
	return lines
}

// idle waits until the operator has translated, has nothing left to do, and returns.
func (o *operator) idle(t *testing.T) {
	t.Helper()
	eventually(t, "the operator to have nothing to do", func() error {
		translated := false
		for _, line := range o.scrape(t) {
			if strings.HasPrefix(line, "varnish_gateway_operator_translation_seconds_count ") && !strings.HasSuffix(line, " 0") {
				translated = true
			}
			if (strings.HasPrefix(line, "workqueue_depth{") || strings.HasPrefix(line, "controller_runtime_active_workers{")) && !strings.HasSuffix(line, " 0") {
				return fmt.Errorf("it works: %s", line)
			}
		}
		if !translated {
			return fmt.Errorf("it has not begun")
		}
		return nil
	})
}

func (o *operator) scrape(t *testing.T) []string {
	t.Helper()
	response, err := http.Get("http://" + o.metrics + "/metrics")
	require.NoError(t, err)
	defer response.Body.Close()
	var lines []string
	scanner := bufio.NewScanner(response.Body)
	for scanner.Scan() {
		lines = append(lines, scanner.Text())
	}
	require.NoError(t, scanner.Err())
	return lines
}

// memory that the operator uses, in MiB.
func (o *operator) memory(t *testing.T) int64 {
	t.Helper()
	resident, err := process.Resident(o.cmd.Process.Pid)
	require.NoError(t, err)
	return resident >> 20
}

func binDirectory() string {
	if given := os.Getenv("GATEWAY_BIN_DIR"); given != "" {
		return given
	}
	return "../../build/bin"
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	require.NoError(t, l.Close())
	return l.Addr().String()
}
