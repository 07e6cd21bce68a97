package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/varnish-gateway/gateway/operator/internal/local"
	"github.com/varnish-gateway/gateway/shared/ghostconf"
)

type purgeFlags struct {
	stateDir, url, prefix string
	order                 ghostconf.Invalidation
}

func newPurge() *cobra.Command {
	var f purgeFlags
	cmd := &cobra.Command{
		Use:   "purge --state-dir DIR -n NAMESPACE (--url URL | --prefix URL | --host HOST | --tag TAG | --route NAME | --policy NAME | --all)",
		Short: "Remove objects from the caches of gateways that run",
		Long: `Purge removes what routes of a namespace have cached, in every gateway that "gatewayctl run" runs with this
state directory. It returns when no request gets the objects any more. With --soft they become stale instead: they may be
served while the backend is asked for new ones, or where it fails.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.stateDir, "state-dir", "", "state directory of gatewayctl run")
	flags.StringVarP(&f.order.Namespace, "namespace", "n", "default", "namespace of the routes")
	flags.StringVar(&f.url, "url", "", "one URL, in every variant, such as https://shop.example/a?b=c")
	flags.StringVar(&f.prefix, "prefix", "", "all URLs of the host whose path begins so, such as https://shop.example/img/")
	flags.StringVar(&f.order.Host, "host", "", "everything of a host")
	flags.StringVar(&f.order.Tag, "tag", "", "objects that their backend has given this tag")
	flags.StringVar(&f.order.Route, "route", "", "everything of an HTTPRoute")
	flags.StringVar(&f.order.Policy, "policy", "", "everything that a VarnishCachePolicy holds for")
	flags.BoolVar(&f.order.All, "all", false, "everything of the namespace")
	flags.BoolVar(&f.order.Soft, "soft", false, "let objects become stale, instead of removing them")
	if err := cmd.MarkFlagRequired("state-dir"); err != nil {
		panic(err) // the flag was added above
	}
	cmd.MarkFlagsOneRequired(subjects...)
	cmd.MarkFlagsMutuallyExclusive(subjects...)
	return cmd
}

// subjects are the flags of which exactly one says what is removed.
var subjects = []string{"url", "prefix", "host", "tag", "route", "policy", "all"}

func (f purgeFlags) run(cmd *cobra.Command) error {
	order := f.order
	for text, isPrefix := range map[string]bool{f.url: false, f.prefix: true} {
		if text == "" {
			continue
		}
		if err := order.SetURL(text, isPrefix); err != nil {
			return err
		}
	}
	purged, err := local.Purge(cmd.Context(), f.stateDir, order)
	if err != nil {
		return err
	}
	var failed []error
	for _, p := range purged {
		if p.Err != nil {
			failed = append(failed, fmt.Errorf("on Gateway %s: %w", p.Gateway, p.Err))
			continue
		}
		if _, err := fmt.Fprintf(cmd.OutOrStdout(), "Gateway %s: done\n", p.Gateway); err != nil {
			return err
		}
	}
	return errors.Join(failed...)
}
