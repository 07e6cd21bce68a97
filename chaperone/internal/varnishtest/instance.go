package varnishtest

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// Instance is a varnishd that runs for one test.
type Instance struct {
	// Dir is its working directory, as -n takes it.
	Dir string
	// Process is varnishd's manager.
	Process *os.Process
	output  *output
	ended   chan struct{}
}

// Start runs varnishd with the given VCL and further arguments, of which -a must be one, and waits until
// its child serves. It is stopped when the test ends.
func Start(t testing.TB, vcl string, arguments ...string) *Instance {
	t.Helper()
	return StartIn(t, filepath.Join(Dir(t), "varnish"), vcl, arguments...)
}

// StartIn is Start with a working directory that another varnishd may have left.
func StartIn(t testing.TB, dir, vcl string, arguments ...string) *Instance {
	t.Helper()
	file := dir + ".vcl"
	if err := os.WriteFile(file, []byte(vcl), 0o600); err != nil {
		t.Fatal(err)
	}
	i := &Instance{Dir: dir, output: &output{}, ended: make(chan struct{})}
	command := exec.Command(Varnishd(t), append([]string{"-F", "-j", "none", "-n", i.Dir, "-f", file}, arguments...)...)
	command.Stdout, command.Stderr = i.output, i.output
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	i.Process = command.Process
	go func() {
		_ = command.Wait()
		close(i.ended)
	}()
	t.Cleanup(i.Stop)
	Eventually(t, "varnishd's child starts", func() bool {
		select {
		case <-i.ended:
			t.Fatalf("varnishd ended:\n%s", i.output)
		default:
		}
		return strings.Contains(i.output.String(), "said Child starts")
	})
	return i
}

// Stop ends varnishd and waits until it is gone.
func (i *Instance) Stop() {
	_ = i.Process.Signal(syscall.SIGTERM)
	patience := time.NewTimer(Deadline)
	defer patience.Stop()
	select {
	case <-i.ended:
	case <-patience.C:
		_ = i.Process.Kill()
		<-i.ended
	}
}

// Beside is the path of another of Varnish's programs, which stands beside varnishd.
func Beside(t testing.TB, program string) string {
	t.Helper()
	path := filepath.Join(filepath.Dir(Varnishd(t)), program)
	if _, err := os.Stat(path); err != nil {
		t.Fatal(fmt.Errorf("find %s: %w", program, err))
	}
	return path
}

// output is what a process says.
type output struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buffer.String()
}
