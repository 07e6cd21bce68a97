package local

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/varnish-gateway/gateway/shared/contract"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
)

// TestMain lets the test binary stand in for chaperone when it is started with chaperone's flags.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "--gateway" {
		if err := runFake(os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// fake says on its admin API that it runs whatever lies in its directories, and has the ports that it is told to open.
type fake struct {
	token, configDir string
	listen           []string

	mu       sync.Mutex
	revision int64
	last     map[string]any
}

// list is a flag that may be repeated.
type list []string

func (l *list) String() string           { return strings.Join(*l, ",") }
func (l *list) Set(value string) error   { *l = append(*l, value); return nil }
func (l *list) port(i int) (port string) { _, port, _ = strings.Cut((*l)[i], "-"); return port }

func runFake(args []string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	flags := flag.NewFlagSet("chaperone", flag.ContinueOnError)
	values := map[string]*string{}
	for _, name := range []string{"gateway", "source", "config-dir", "shards-dir", "tls-dir", "ticket-keys-dir", "endpoints-dir", "work-dir", "address",
		"admin-address", "admin-token-file", "health-address", "access-log", "log-level", "drain-delay", "drain-timeout", "varnishd", "vmod-path"} {
		values[name] = flags.String(name, "", "")
	}
	var listen, varnishd list
	flags.Var(&listen, "listen", "")
	flags.Var(&varnishd, "varnishd-arg", "")
	if err := flags.Parse(args); err != nil {
		return err
	}
	for i := range listen {
		l, err := net.Listen("tcp", net.JoinHostPort(*values["address"], listen.port(i)))
		if err != nil {
			return err
		}
		defer l.Close()
	}
	token, err := os.ReadFile(*values["admin-token-file"])
	if err != nil {
		return err
	}
	f := &fake{token: string(token), configDir: *values["config-dir"], listen: listen}
	server := &http.Server{Addr: *values["admin-address"], Handler: f}
	failed := make(chan error, 1)
	go func() { failed <- server.ListenAndServe() }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return nil
	}
}

// ServeHTTP implements GET /v1/status.
func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer "+f.token {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	wait, _ := time.ParseDuration(r.URL.Query().Get("wait"))
	var after int64
	_, _ = fmt.Sscan(r.URL.Query().Get("after"), &after)
	ctx, cancel := context.WithTimeout(r.Context(), wait)
	defer cancel()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for {
		status, revision := f.status()
		if revision > after || ctx.Err() != nil {
			_ = json.NewEncoder(w).Encode(status)
			return
		}
		select {
		case <-look.C:
		case <-ctx.Done():
		}
	}
}

// status has another revision only where it says something else.
func (f *fake) status() (map[string]any, int64) {
	routing, _ := os.ReadFile(filepath.Join(f.configDir, "routing.json"))
	vcl, _ := os.ReadFile(filepath.Join(f.configDir, "main.vcl"))
	header, _, _ := mainvcl.Parse(vcl)
	status := map[string]any{
		"ready":   true,
		"routing": map[string]any{"sequence": contract.Sequence(routing), "error": ""},
		"vcl":     map[string]any{"sequence": header.Sequence, "error": ""},
		"sockets": f.listen,
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	status["revision"] = f.revision
	if !reflect.DeepEqual(status, f.last) {
		f.revision++
		status["revision"] = f.revision
		f.last = status
	}
	return status, f.revision
}
