package main

import (
	"encoding/json"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/varnish-gateway/gateway/operator/internal/explain"
)

func newExplain() *cobra.Command {
	var gateway, output string
	var paths, headers []string
	cmd := &cobra.Command{
		Use:   "explain -f DIR METHOD URL",
		Short: "Say which listener, route, rule and backend a request would get, and why not the others",
		Example: `  gatewayctl explain -f examples/demo GET http://demo.localhost:8080/hello
  gatewayctl explain -f examples/demo GET https://demo.localhost:8443/split -H 'X-Version: blue'`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			request, err := explain.ParseRequest(args[0], args[1], headers)
			if err != nil {
				return err
			}
			set, result, err := load(paths)
			if err != nil {
				return err
			}
			for _, problem := range set.Problems {
				fmt.Fprintln(cmd.ErrOrStderr(), problem)
			}
			found, err := explain.Explain(set, result, gateway, request)
			if err != nil {
				return err
			}
			switch output {
			case "text":
				return found.Write(cmd.OutOrStdout())
			case "json":
				encoder := json.NewEncoder(cmd.OutOrStdout())
				encoder.SetIndent("", "  ")
				return encoder.Encode(found)
			}
			return fmt.Errorf("no output form %q; there are text and json", output)
		},
	}
	addFile(cmd, &paths)
	cmd.Flags().StringArrayVarP(&headers, "header", "H", nil, "a header of the request, as 'Name: value' (repeated)")
	cmd.Flags().StringVar(&gateway, "gateway", "", "the Gateway to ask, as NAMESPACE/NAME (default the one that has the URL's port)")
	cmd.Flags().StringVarP(&output, "output", "o", "text", "form of the answer: text or json")
	return cmd
}
