package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/varnish-gateway/gateway/operator/internal/local"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

func newCache() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cache",
		Short: "Say what the caches of gateways that run have done",
		Args:  cobra.NoArgs,
	}
	cmd.AddCommand(newCacheStats())
	return cmd
}

type cacheStatsFlags struct{ stateDir, namespace, route, output string }

func newCacheStats() *cobra.Command {
	var f cacheStatsFlags
	cmd := &cobra.Command{
		Use:   "stats --state-dir DIR [-n NAMESPACE] [--route NAME] [-o text|json]",
		Short: "Count requests, hits and bytes by route and rule",
		Long: `Stats shows what the cache has done for each rule with a cache policy, in every gateway that "gatewayctl run" runs
with this state directory. Numbers begin when varnishd's child does, and go on over reloads. The hit ratio is the part of
all requests for which no backend was asked: hits, stale, and collapsed, which waited for the answer to another request.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.stateDir, "state-dir", "", "state directory of gatewayctl run")
	flags.StringVarP(&f.namespace, "namespace", "n", "", "only routes of this namespace (default all)")
	flags.StringVar(&f.route, "route", "", "only HTTPRoutes of this name (default all)")
	flags.StringVarP(&f.output, "output", "o", "text", "form of the answer: text or json")
	if err := cmd.MarkFlagRequired("state-dir"); err != nil {
		panic(err) // the flag was added above
	}
	return cmd
}

func (f cacheStatsFlags) run(cmd *cobra.Command) error {
	if f.output != "text" && f.output != "json" {
		return fmt.Errorf("no output form %q; there are text and json", f.output)
	}
	asked, err := local.AskCacheStatistics(cmd.Context(), f.stateDir)
	if err != nil {
		return err
	}
	var failed []error
	var all []gatewayStatistics
	for _, gateway := range asked {
		if gateway.Err != nil {
			failed = append(failed, fmt.Errorf("on Gateway %s: %w", gateway.Gateway, gateway.Err))
			continue
		}
		all = append(all, gatewayStatistics{gateway.Gateway, f.wanted(gateway.Rules)})
	}
	write := writeStatisticsText
	if f.output == "json" {
		write = writeStatisticsJSON
	}
	return errors.Join(append(failed, write(cmd.OutOrStdout(), all))...)
}

// wanted are the rules that the flags ask for.
func (f cacheStatsFlags) wanted(rules []ghostconf.RuleStatistics) []ghostconf.RuleStatistics {
	return slices.DeleteFunc(rules, func(rule ghostconf.RuleStatistics) bool {
		namespace, name, _ := strings.Cut(rule.Route, "/")
		return f.namespace != "" && f.namespace != namespace || f.route != "" && f.route != name
	})
}

// gatewayStatistics are those of one gateway, as JSON has them.
type gatewayStatistics struct {
	// Gateway is its "namespace/name".
	Gateway string `json:"gateway"`
	// Rules that have a cache policy.
	Rules []ghostconf.RuleStatistics `json:"rules"`
}

func writeStatisticsJSON(out io.Writer, gateways []gatewayStatistics) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(struct {
		Gateways []gatewayStatistics `json:"gateways"`
	}{gateways})
}

func writeStatisticsText(out io.Writer, gateways []gatewayStatistics) error {
	for i, gateway := range gateways {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "Gateway %s\n", gateway.Gateway)
		if len(gateway.Rules) == 0 {
			fmt.Fprintln(out, "no rule with a cache policy")
			continue
		}
		w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
		fmt.Fprintln(w, "ROUTE\tRULE\tREQUESTS\tHIT RATIO\tSTALE\tCOLLAPSED\tMISSES\tHIT-FOR-MISS\tPASSES\tSAVED\tOBJECTS")
		for _, r := range gateway.Rules {
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%d\n", r.Route, r.Rule, r.Requests(), hitRatio(r),
				r.Stale, r.Collapsed, r.Misses, r.HitsForMiss, r.Passes, bytesText(r.ServedBytes), r.Objects)
		}
		if err := w.Flush(); err != nil {
			return err
		}
	}
	return nil
}

// hitRatio is the part of all requests for which no backend was asked, in percent.
func hitRatio(r ghostconf.RuleStatistics) string {
	if r.Requests() == 0 {
		return "-"
	}
	return fmt.Sprintf("%.1f%%", 100*float64(r.FromCache())/float64(r.Requests()))
}

// bytesText writes a number of bytes with three digits or four, in the units of IEC 80000-13.
func bytesText(n uint64) string {
	if n < 1<<10 {
		return fmt.Sprintf("%d B", n)
	}
	units := []string{"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"}
	value, unit := float64(n)/(1<<10), 0
	for value >= 1<<10 {
		value, unit = value/(1<<10), unit+1
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
