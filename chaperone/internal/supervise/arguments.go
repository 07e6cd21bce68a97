// Package supervise owns varnishd's life: start, restart with back-off, its child's restarts, drain and
// stop. Processes, the clock and the CLI connection are injected.
package supervise

import "time"

// Options say how varnishd is started.
type Options struct {
	// WorkDir is varnishd's working directory (-n).
	WorkDir string
	// SecretFile holds what a CLI client must know (-S).
	SecretFile string
	// Sockets are values of -a.
	Sockets []string
	// VMODPath and VCLPath are where VMODs and VCL are looked for; empty for varnishd's own.
	VMODPath string
	VCLPath  string
	// IdleTimeout is how long a client's connection may wait for its next request; 0 for the
	// default.
	IdleTimeout time.Duration
	// BackendRequests and TLSConnections are how many of them there may be at once: varnishd has
	// threads for them.
	BackendRequests, TLSConnections int
	// Processors is how many of them varnishd may use; 0 where it is not known.
	Processors int
	// Extra arguments come last, so that they can override what chaperone says.
	Extra []string
}

// identity is varnishd's name for itself (-i), the same one in every pod.
const identity = "varnish-gateway"

// Arguments is varnishd's command line, without the program, for a varnishd that connects its CLI to
// the given address. It starts without VCL and child: chaperone loads the one and starts the other. The
// jail is off because the pod has no privileges to drop. -T is left alone, for varnishadm. The identity stands in Via where
// Varnish writes it: a pseudonym instead of the pod's name (RFC 9110, section 7.6.3).
func (o Options) Arguments(cliAddress string) []string {
	args := []string{"-F", "-n", o.WorkDir, "-f", "", "-j", "none", "-S", o.SecretFile, "-M", cliAddress, "-i", identity}
	for _, socket := range o.Sockets {
		args = append(args, "-a", socket)
	}
	if o.VMODPath != "" {
		args = append(args, "-p", "vmod_path="+o.VMODPath)
	}
	if o.VCLPath != "" {
		args = append(args, "-p", "vcl_path="+o.VCLPath)
	}
	for _, parameter := range o.parameters() {
		args = append(args, "-p", parameter)
	}
	return append(args, o.Extra...)
}
