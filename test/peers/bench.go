package peers

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/varnish-gateway/gateway/test/certificate"
	"github.com/varnish-gateway/gateway/test/peers/report"
)

// Options of a run.
type Options struct {
	// Scenarios to run, by name or by the beginning of one; empty for all.
	Scenarios []string
	// Rounds of each scenario, and Seconds of each measurement.
	Rounds, Seconds int
	// Rate of requests in a second at which latency is measured.
	Rate float64
	// Connections and TLSConnections are how many are held while memory is measured.
	Connections, TLSConnections int
	// QuietPatience is how long the whole run may wait for a quiet machine.
	QuietPatience time.Duration
	// Results is the file that results are merged into, Page the page that has their tables.
	Results, Page string
	// Out takes what a person wants to see meanwhile.
	Out io.Writer
}

func (o Options) duration() time.Duration { return time.Duration(o.Seconds) * time.Second }

// latencyDuration has enough requests for the highest percentile, and several reloads.
func (o Options) latencyDuration() time.Duration { return 2 * o.duration() }

func (o Options) check() error {
	if o.Rounds < 1 || o.Seconds < 1 || o.Seconds > 60 || o.Rate <= 0 || o.Connections < 1 || o.TLSConnections < 1 {
		return errors.New("rounds, rate and connections must be positive, and seconds from 1 to 60")
	}
	return nil
}

// oneShot asks a peer on connections of their own. Certificates are made for the run.
var oneShot = &http.Client{
	Timeout:   10 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: firstHost}},
}

// bench is a run.
type bench struct {
	options       Options
	tools         Tools
	dir           string
	pair          certificate.Pair
	ports         ports
	originAddress netip.AddrPort
	// slow is the origin of the scenario that runs, where it has a slow one.
	slow  *slowOrigin
	quiet quiet
}

// Run measures, and writes results after each scenario. It fails where something could not be
// measured.
func Run(ctx context.Context, options Options, tools Tools) (err error) {
	if err := options.check(); err != nil {
		return err
	}
	chosen, err := choose(options.Scenarios)
	if err != nil {
		return err
	}
	b := &bench{options: options, tools: tools, quiet: quiet{options.QuietPatience}}
	if b.dir, err = os.MkdirTemp("", "bench-peers-"); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(b.dir)) }()
	if err := b.prepare(); err != nil {
		return err
	}
	var failed []string
	for _, s := range chosen {
		if ctx.Err() != nil {
			break
		}
		run, err := b.scenario(ctx, s)
		if err != nil {
			failed = append(failed, s.name)
			fmt.Fprintf(options.Out, "%s: %v\n", s.name, err)
			continue
		}
		if err := b.save(s, run); err != nil {
			return err
		}
		failed = append(failed, problems(s.name, run)...)
	}
	if len(failed) > 0 {
		err = fmt.Errorf("not measured: %s", strings.Join(failed, ", "))
	}
	return errors.Join(err, context.Cause(ctx))
}

// problems names the subjects of a run that could not be measured.
func problems(scenario string, run report.Run) []string {
	var names []string
	for _, subject := range run.Subjects {
		if subject.Problem != "" {
			names = append(names, subject.Name+" in "+scenario)
		}
	}
	return names
}

// choose gives the scenarios that are named.
func choose(names []string) ([]scenario, error) {
	all := catalogue()
	if len(names) == 0 {
		return all, nil
	}
	chosen := map[string]bool{}
	for _, name := range names {
		found := false
		for _, s := range all {
			if s.name == name || strings.HasPrefix(s.name, name+"-") {
				chosen[s.name], found = true, true
			}
		}
		if !found {
			return nil, fmt.Errorf("there is no scenario %q; there are: %s", name, strings.Join(Names(), ", "))
		}
	}
	return slices.DeleteFunc(all, func(s scenario) bool { return !chosen[s.name] }), nil
}

// Names of all scenarios.
func Names() []string {
	var names []string
	for _, s := range catalogue() {
		names = append(names, s.name)
	}
	return names
}

// prepare writes what all scenarios use.
func (b *bench) prepare() error {
	var err error
	if b.pair, err = certificate.SelfSigned(firstHost); err != nil {
		return err
	}
	if err := os.WriteFile(b.certificateFile(), slices.Concat(b.pair.Certificate, b.pair.Key), 0o600); err != nil {
		return err
	}
	for _, script := range []string{"many-hosts.lua", "upload.lua"} {
		text, err := configs.ReadFile("configs/" + script)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(b.dir, script), text, 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) certificateFile() string { return filepath.Join(b.dir, "site.pem") }

// save merges a run into the results, and writes the page anew. Scenarios that there are no more
// go.
func (b *bench) save(s scenario, run report.Run) error {
	results, err := report.Read(b.options.Results)
	if err != nil {
		return err
	}
	known := Names()
	maps.DeleteFunc(results.Scenarios, func(name string, _ report.Run) bool { return !slices.Contains(known, name) })
	results.Scenarios[s.name] = run
	if err := results.Write(b.options.Results); err != nil {
		return err
	}
	return WritePage(b.options.Page, results)
}

// WritePage writes the tables of results into a page.
func WritePage(page string, results report.Results) error {
	return report.UpdatePage(page, "bench-peers", report.Tables(entries(), aims(), results))
}
