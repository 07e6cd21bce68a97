package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/varnish-gateway/gateway/operator/internal/version"
	"github.com/varnish-gateway/gateway/shared/mainvcl"
	"github.com/varnish-gateway/gateway/shared/routing"
)

func newVersion() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the versions of gatewayctl and of the contracts it writes",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "gatewayctl %s (routing.json %s, main.vcl %s)\n", version.Version(), routing.Version, mainvcl.Version)
			return err
		},
	}
}
