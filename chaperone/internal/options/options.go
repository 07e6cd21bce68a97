// Package options are chaperone's flags: a contract with the operator's pod template, of which
// docs/reference/chaperone.md is the page.
package options

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"go.uber.org/zap/zapcore"

	"github.com/varnish-gateway/gateway/chaperone/internal/confine"
	"github.com/varnish-gateway/gateway/chaperone/internal/socket"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// Sources of changes.
const (
	SourceFiles      = "files"
	SourceKubernetes = "kubernetes"
)

// Forms of the access log.
const (
	AccessLogOff    = "off"
	AccessLogCommon = "common"
	AccessLogJSON   = "json"
)

// Options are the values of the flags.
type Options struct {
	// Namespace and Name of the Gateway.
	Namespace, Name string
	Source          string

	ConfigDir, ShardsDir, TLSDir, TicketKeysDir, EndpointsDir, WorkDir string

	Sockets       []socket.Socket
	Address       string
	HealthAddress string
	Admin         Admin

	Varnishd     string
	VarnishdArgs []string
	VMODPath     string

	Limits

	// Confinement keeps files from varnishd. No flag sets it.
	Confinement confine.Confinement

	AccessLog                string
	DrainDelay, DrainTimeout time.Duration
	LogLevel                 zapcore.Level
	// Version says that versions are to be printed, and nothing else to be done.
	Version bool
}

// Admin are the options of the admin API.
type Admin struct{ Address, TokenFile, CertFile, KeyFile string }

// raw are values that need to be read before they are Options.
type raw struct {
	Options
	gateway, logLevel string
	listen            []string
}

// Parse reads the flags.
func Parse(args []string) (Options, error) {
	var r raw
	flags := r.flags()
	if err := flags.Parse(args); err != nil {
		return Options{}, err
	}
	if r.Version {
		return r.Options, nil
	}
	if flags.NArg() > 0 {
		return Options{}, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	return r.check()
}

// flags are the flag set; Table makes the reference page of it.
func (r *raw) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("chaperone", pflag.ContinueOnError)
	f.SortFlags = false
	f.StringVar(&r.gateway, "gateway", "", "the Gateway that this pod serves, as `NAMESPACE/NAME`; required")
	f.StringVar(&r.Source, "source", SourceKubernetes, "where changes come from, `files|kubernetes`; kubernetes reads the same directories first, and watches the API besides")
	f.StringVar(&r.ConfigDir, "config-dir", gatewaypod.ConfigDir, "`DIR` with routing.json and main.vcl (the mounted ConfigMap)")
	f.StringVar(&r.ShardsDir, "shards-dir", gatewaypod.ShardsDir, "`DIR` with NN.json for each shard that routing.json names")
	f.StringVar(&r.TLSDir, "tls-dir", gatewaypod.CertificatesDir, "`DIR` with NAME.crt and NAME.key (the mounted Secret)")
	f.StringVar(&r.TicketKeysDir, "ticket-keys-dir", gatewaypod.TicketKeysDir, "`DIR` with TIME.ticket-key, the keys of TLS session tickets that the pods of a Gateway share (the mounted Secret); where there are none, this process has its own")
	f.StringVar(&r.EndpointsDir, "endpoints-dir", "", "`DIR` with EndpointSlice manifests, for --source files")
	f.StringVar(&r.WorkDir, "work-dir", gatewaypod.WorkDir, "writable `DIR`; varnishd's working directory is DIR/varnish, sockets are in DIR")
	f.StringArrayVar(&r.listen, "listen", nil, "a `SOCKET` to open, http-PORT or https-PORT, with +proxy behind it where a load balancer speaks the PROXY protocol; required, may be repeated")
	f.StringVar(&r.Address, "address", "", "`ADDRESS` where the listeners bind; every address if empty")
	f.StringVar(&r.HealthAddress, "health-address", fmt.Sprintf(":%d", gatewaypod.HealthPort), "`ADDRESS` of /healthz, /readyz and /metrics, plain")
	f.StringVar(&r.Admin.Address, "admin-address", fmt.Sprintf("127.0.0.1:%d", gatewaypod.AdminPort), "`ADDRESS` of the admin API (see admin-api.md); another one than of the loopback device needs a certificate")
	f.StringVar(&r.Admin.TokenFile, "admin-token-file", "", "`FILE` with the bearer token that the admin API asks for; without it there is no admin API")
	f.StringVar(&r.Admin.CertFile, "admin-cert-file", "", "`FILE` with the certificate of the admin API")
	f.StringVar(&r.Admin.KeyFile, "admin-key-file", "", "`FILE` with the key of the admin API")
	f.StringVar(&r.Varnishd, "varnishd", "varnishd", "`PATH` of varnishd; varnishncsa and varnishstat are looked for beside it")
	f.StringArrayVar(&r.VarnishdArgs, "varnishd-arg", nil, "a further `ARG` for varnishd; may be repeated")
	f.StringVar(&r.VMODPath, "vmod-path", "", "`DIRS` with VMODs, colon-separated; varnishd's own if empty")
	r.Limits.flags(f)
	f.StringVar(&r.AccessLog, "access-log", AccessLogOff, "lines on standard output, `off|common|json`")
	f.DurationVar(&r.DrainDelay, "drain-delay", 5*time.Second, "how long to go on serving after SIGTERM, not ready, until the endpoint is withdrawn")
	f.DurationVar(&r.DrainTimeout, "drain-timeout", gatewaypod.DefaultDrainTimeout, "how long requests in flight may take after that")
	f.StringVar(&r.logLevel, "log-level", "info", "`debug|info|warn|error`")
	f.BoolVar(&r.Version, "version", false, "print versions and exit")
	return f
}

// check reads what is more than text, and names the flag of what is wrong.
func (r *raw) check() (Options, error) {
	o := r.Options
	namespace, name, found := strings.Cut(r.gateway, "/")
	if !found || namespace == "" || name == "" || strings.Contains(name, "/") {
		return o, fmt.Errorf("--gateway: %q is not of the form NAMESPACE/NAME", r.gateway)
	}
	o.Namespace, o.Name = namespace, name
	if err := oneOf("source", o.Source, SourceFiles, SourceKubernetes); err != nil {
		return o, err
	}
	if err := oneOf("access-log", o.AccessLog, AccessLogOff, AccessLogCommon, AccessLogJSON); err != nil {
		return o, err
	}
	if len(r.listen) == 0 {
		return o, fmt.Errorf("--listen: at least one socket is required")
	}
	var err error
	if o.Sockets, err = socket.ParseAll(r.listen); err != nil {
		return o, fmt.Errorf("--listen: %w", err)
	}
	if o.LogLevel, err = zapcore.ParseLevel(r.logLevel); err != nil {
		return o, fmt.Errorf("--log-level: %w", err)
	}
	if (o.Admin.CertFile == "") != (o.Admin.KeyFile == "") {
		return o, fmt.Errorf("--admin-cert-file and --admin-key-file: one needs the other")
	}
	if o.Admin.TokenFile != "" && o.Admin.CertFile == "" && !isLoopback(o.Admin.Address) {
		return o, fmt.Errorf("--admin-address: %q is not on the loopback device, where the token would travel unencrypted without --admin-cert-file", o.Admin.Address)
	}
	if err := o.Limits.check(); err != nil {
		return o, err
	}
	if o.DrainDelay < 0 || o.DrainTimeout < 0 {
		return o, fmt.Errorf("--drain-delay and --drain-timeout cannot be negative")
	}
	return o, nil
}

// isLoopback says whether an address to listen at can be reached from this host alone.
func isLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	return err == nil && (host == "localhost" || net.ParseIP(host).IsLoopback())
}

func oneOf(flag, value string, allowed ...string) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("--%s: %q is none of %s", flag, value, strings.Join(allowed, ", "))
}
