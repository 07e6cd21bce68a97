package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"

	"github.com/spf13/pflag"
	"go.uber.org/zap/zapcore"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

	"github.com/varnish-gateway/gateway/operator/internal/inputs"
	"github.com/varnish-gateway/gateway/operator/internal/invalidationapi"
	"github.com/varnish-gateway/gateway/shared/gatewaypod"
)

// options are the values of the flags.
type options struct {
	gatewayImage   string
	controllerName string
	trustedHops    []string

	leaderElect   bool
	namespace     string
	leaseName     string
	healthAddress string
	metrics       string
	invalidation  invalidationapi.Options
	logLevel      zapcore.Level
	version       bool
}

// flags are the flag set; the reference page is made of it.
func (o *options) flags() *pflag.FlagSet {
	f := pflag.NewFlagSet("operator", pflag.ContinueOnError)
	f.SortFlags = false
	f.StringVar(&o.gatewayImage, "gateway-image", os.Getenv("GATEWAY_IMAGE"), "`IMAGE` of gateways whose parameters name none; required (or GATEWAY_IMAGE in the environment)")
	f.StringVar(&o.controllerName, "controller-name", inputs.ControllerName, "`NAME` by which GatewayClasses say that they are this operator's")
	f.StringSliceVar(&o.trustedHops, "trusted-hops", nil, "networks in `CIDR` notation whose X-Forwarded-* headers are believed, where parameters name none")
	f.BoolVar(&o.leaderElect, "leader-elect", false, "of several operators of one controller name, only one works; needed where there is more than one, such as two replicas")
	f.StringVar(&o.namespace, "namespace", os.Getenv("POD_NAMESPACE"), "`NAMESPACE` of the Lease by which a leader is elected, which all operators of one controller name share (or POD_NAMESPACE in the environment)")
	f.StringVar(&o.leaseName, "lease", "", "`NAME` of that Lease; empty: one for each controller name, varnish-gateway-operator for the usual one")
	f.StringVar(&o.healthAddress, "health-address", ":8081", "`ADDRESS` of /healthz and /readyz; 0 for none")
	f.StringVar(&o.metrics, "metrics-address", ":8080", "`ADDRESS` of /metrics, plain; 0 for none")
	f.StringVar(&o.invalidation.Address, "invalidation-address", "", "`ADDRESS` of the invalidation API for applications, which every replica serves; empty for none")
	f.StringVar(&o.invalidation.CertFile, "invalidation-cert-file", "", "`FILE` with the certificate of that API, for TLS; it is read again when it changes. Empty: plain HTTP")
	f.StringVar(&o.invalidation.KeyFile, "invalidation-key-file", "", "`FILE` with the key of that certificate")
	f.Var(level{&o.logLevel}, "log-level", "`debug|info|warn|error`")
	f.BoolVar(&o.version, "version", false, "print the version and exit")
	return f
}

// parse reads the flags, and names the one that is wrong.
func parse(args []string) (options, error) {
	var o options
	flags := o.flags()
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	switch {
	case o.version:
		return o, nil
	case flags.NArg() > 0:
		return o, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case o.gatewayImage == "":
		return o, errors.New("--gateway-image: an image is required")
	case o.controllerName == "" || !strings.Contains(o.controllerName, "/"):
		return o, fmt.Errorf("--controller-name: %q is not of the form DOMAIN/PATH", o.controllerName)
	case (o.invalidation.CertFile == "") != (o.invalidation.KeyFile == ""):
		return o, errors.New("--invalidation-cert-file and --invalidation-key-file: one is of no use without the other")
	case o.leaderElect && o.namespace == "":
		return o, errors.New("--namespace: required with --leader-elect")
	}
	if o.leaseName == "" {
		o.leaseName = leaseOf(o.controllerName)
	}
	for i, hop := range o.trustedHops {
		network, err := netip.ParsePrefix(hop)
		if err != nil {
			return o, fmt.Errorf("--trusted-hops: %w", err)
		}
		o.trustedHops[i] = network.Masked().String()
	}
	return o, nil
}

// leaseOf is the Lease of the operators of a controller name, which is the same wherever they are installed.
func leaseOf(controller string) string {
	const name = "varnish-gateway-operator"
	if controller == inputs.ControllerName {
		return name
	}
	return name + "-" + gatewaypod.Digest(controller)
}

// inputs are those options that concern translation.
func (o options) inputs() inputs.Options {
	return inputs.Options{
		ControllerName: gatewayv1.GatewayController(o.controllerName), TrustedHops: o.trustedHops,
	}
}

// level is a log level as a flag.
type level struct{ *zapcore.Level }

func (l level) String() string {
	if l.Level == nil {
		return zapcore.InfoLevel.String()
	}
	return l.Level.String()
}

func (level) Type() string { return "level" }
